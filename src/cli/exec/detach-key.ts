import { Transform } from 'node:stream';

const CTRL_A = 0x01;
const Q = 0x71;

/** Lets everything pass but Ctrl-a q, which calls `detach`; Ctrl-a twice is one. The keys of `lxc console`. */
export function detachKey(detach: () => void): Transform {
  let armed = false;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const passed: number[] = [];
      for (const byte of chunk) {
        if (!armed && byte === CTRL_A) {
          armed = true;
          continue;
        }
        if (armed && byte === Q) {
          detach();
          return done();
        }
        if (armed && byte !== CTRL_A) passed.push(CTRL_A);
        armed = false;
        passed.push(byte);
      }
      done(null, passed.length === 0 ? undefined : Buffer.from(passed));
    },
  });
}
