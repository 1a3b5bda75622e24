/**
 * A pseudo terminal of the host's for one interactive exec. Node has no call for it; a few ioctls are all that is missing. lxc-attach, on the other side, makes a second one inside the container and copies between the two.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { ioctl } from '../libc.ts';

export interface Terminal {
  /** Read: what programs print. Write: what the user types. Ends when the last program has closed the other side. */
  readonly master: ReadStream;
  /** To give a child as its three streams; close it afterwards with `closeSlave`. */
  readonly slave: number;
  closeSlave(): void;
  /** Has lxc-attach taken it over? It throws away what was typed before that. */
  isTaken(): boolean;
  /** Passes every byte on unchanged; called once it is taken, for lxc-attach sets some of that back. */
  makeRaw(): void;
  /** Whoever reads it comes to the end of input, once what was typed before is read. */
  endInput(): void;
  resize(columns: number, rows: number): void;
}

/** asm-generic/ioctls.h, the same on x86 and arm. */
const TIOCSPTLCK = 0x40045431;
const TIOCGPTN = 0x80045430;
const TIOCSWINSZ = 0x5414;
const TCGETS = 0x5401;
const TCSETS = 0x5402;

/** The kernel's struct termios: four 32-bit flag words (input, output, control, local), a byte, then characters. */
const OUTPUT_FLAGS = 1;
const LOCAL_FLAGS = 3;
const OPOST = 1;
const ISIG = 1;
const ICANON = 2;
const ECHO = 8;
/** Where the character for the end of input is (VEOF), and what it is. */
const END_OF_INPUT = { at: 17 + 4, character: 4 };

export function openTerminal(columns: number, rows: number): Terminal {
  const mode = constants.O_RDWR | constants.O_NOCTTY;
  const fd = openSync('/dev/ptmx', mode); // Node opens everything close-on-exec: no other child gets it
  let slave: number;
  try {
    const number = new Int32Array(1);
    ioctl(fd, TIOCSPTLCK, number); // 0: unlock
    ioctl(fd, TIOCGPTN, number);
    slave = openSync(`/dev/pts/${number[0]}`, mode);
  } catch (thrown) {
    closeSync(fd);
    throw thrown;
  }
  const resize = (width: number, height: number): void => {
    ioctl(fd, TIOCSWINSZ, new Uint16Array([height, width, 0, 0]));
  };
  const termiosOf = (): Uint32Array => {
    const termios = new Uint32Array(16);
    ioctl(fd, TCGETS, termios);
    return termios;
  };
  const clear = (local: number): void => {
    const termios = termiosOf();
    termios[OUTPUT_FLAGS]! &= ~OPOST;
    termios[LOCAL_FLAGS]! &= ~local;
    ioctl(fd, TCSETS, termios);
  };
  resize(columns || 80, rows || 24);
  // Echo and editing are the inner terminal's. ICANON stays: lxc-attach clears it when it takes over.
  clear(ECHO | ISIG);
  const master = new ReadStream(fd);
  return {
    master,
    slave,
    closeSlave: () => closeSync(slave),
    isTaken: () => (termiosOf()[LOCAL_FLAGS]! & ICANON) === 0,
    makeRaw: () => clear(ECHO | ISIG | ICANON),
    endInput() {
      const termios = termiosOf();
      termios[LOCAL_FLAGS]! |= ICANON;
      new Uint8Array(termios.buffer)[END_OF_INPUT.at] = END_OF_INPUT.character;
      ioctl(fd, TCSETS, termios);
      master.write(Buffer.of(END_OF_INPUT.character));
    },
    resize,
  };
}
