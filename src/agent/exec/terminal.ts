/**
 * A pseudo terminal of the host's for one interactive exec. Node has no call for it; two ioctls through koffi are all that
 * is missing. lxc-attach, on the other side, makes a second one inside the container and copies between the two.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { ReadStream } from 'node:tty';
import { fail } from '../../domain/errors.ts';

export interface Terminal {
  /** Read: what programs print. Write: what the user types. Ends when the last program has closed the other side. */
  readonly master: ReadStream;
  /** To give a child as its three streams; close it afterwards with `closeSlave`. */
  readonly slave: number;
  closeSlave(): void;
  resize(columns: number, rows: number): void;
}

/** asm-generic/ioctls.h, the same on x86 and arm. */
const TIOCSPTLCK = 0x40045431;
const TIOCGPTN = 0x80045430;
const TIOCSWINSZ = 0x5414;

export function openTerminal(columns: number, rows: number): Terminal {
  const flags = constants.O_RDWR | constants.O_NOCTTY;
  const fd = openSync('/dev/ptmx', flags); // Node opens everything close-on-exec: no other child gets it
  let slave: number;
  try {
    const number = new Int32Array(1);
    ioctl(fd, TIOCSPTLCK, number); // 0: unlock
    ioctl(fd, TIOCGPTN, number);
    slave = openSync(`/dev/pts/${number[0]}`, flags);
  } catch (thrown) {
    closeSync(fd);
    throw thrown;
  }
  const resize = (width: number, height: number): void => {
    ioctl(fd, TIOCSWINSZ, new Uint16Array([height, width, 0, 0]));
  };
  resize(columns || 80, rows || 24);
  return { master: new ReadStream(fd), slave, closeSlave: () => closeSync(slave), resize };
}

type Ioctl = (fd: number, request: number, argument: Int32Array | Uint16Array) => number;
let loaded: Ioctl | undefined;

/** Loaded when first needed: most agents never run an interactive command. */
function ioctl(fd: number, request: number, argument: Int32Array | Uint16Array): void {
  if (loaded === undefined) {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    loaded = koffi.load('libc.so.6').func('int ioctl(int fd, unsigned long request, _Inout_ void *argument)') as Ioctl;
  }
  if (loaded(fd, request, argument) !== 0) fail('internal', `the terminal refuses ioctl ${request.toString(16)}`);
}
