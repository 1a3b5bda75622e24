/** One command at work in a container, whichever way it is connected: three pipes or a terminal. */
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { systemClock } from '../../kit/clock.ts';
import { type Exit, type Running, start } from '../command.ts';
import { makePipe } from '../libc.ts';
import { childrenOf, isAlive } from '../lxc/look.ts';
import type { AttachCommand } from './attach-command.ts';
import { openTerminal, type Terminal } from './terminal.ts';

/**
 * lxc-attach ends by itself when its command has: only it can reap it. Killed first, it leaves that to pid 1 of the host,
 * and until that has done so the container cannot end either.
 */
const REAP_MS = 1000;
/** A command's end is felt; reading a line of /proc ten times a second is not. */
const LOOK_MS = 100;

export interface Session {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Undefined on a terminal: stdout carries both. */
  readonly stderr: Readable | undefined;
  /** Resolves when what is written to stdin will reach the command. */
  readonly ready: Promise<void>;
  /** The command's exit code, 128 + n for signal n. */
  readonly exited: Promise<number>;
  resize(columns: number, rows: number): void;
  /** To the command itself, by number. */
  signal(number: number): void;
  /** Ends the command, what belongs to its session, and lxc-attach. Harmless when they have ended. */
  kill(): void;
}

/**
 * On real pipes, not Node's socket pairs: what the command leaves behind may hold their ends, and CRIU saves a pipe whose
 * other end is gone but refuses a socket.
 */
export function openPipes({ args, cwd }: AttachCommand): Session {
  const pipes = [makePipe(), makePipe(), makePipe()] as const;
  const [input, output, errors] = pipes;
  const theirs = [input.readEnd, output.writeEnd, errors.writeEnd];
  const running = start('lxc-attach', args, { cwd, stdio: theirs });
  for (const fd of theirs) closeSync(fd);
  return {
    stdin: new Socket({ fd: input.writeEnd, readable: false, writable: true }),
    stdout: new Socket({ fd: output.readEnd, readable: true, writable: false }),
    stderr: new Socket({ fd: errors.readEnd, readable: true, writable: false }),
    ready: Promise.resolve(),
    resize: () => {},
    ...controls(running),
  };
}

export function openOnTerminal({ args, cwd }: AttachCommand, columns: number, rows: number): Session {
  const terminal = openTerminal(columns, rows);
  const { master, slave, closeSlave, resize } = terminal;
  // setsid makes the terminal the controlling one, so that the kernel tells lxc-attach of a changed size.
  const stdio = [slave, slave, slave];
  const running = start('setsid', ['--ctty', 'lxc-attach', ...args], { cwd, stdio, ownSession: false });
  closeSlave();
  const ready = taken(terminal, running);
  void ready.then(() => endWithCommand(terminal, running));
  return { stdin: master, stdout: master, stderr: undefined, ready, resize, ...controls(running) };
}

/** lxc-attach takes a few milliseconds to get there; nothing tells us but its terminal. */
async function taken(terminal: Terminal, running: Running, clock = systemClock): Promise<void> {
  const ended = running.exited.then(
    () => true,
    () => true,
  );
  while (!terminal.master.destroyed && !terminal.isTaken()) {
    if (await Promise.race([ended, clock.sleep(2)])) return;
  }
  if (!terminal.master.destroyed) terminal.makeRaw();
}

/**
 * lxc-attach goes on copying for as long as anything has the terminal open: a job that a shell left behind. The session ends
 * with its command, as LXD's does; then nobody reads or writes on that terminal any more, for the kernel has hung it up.
 */
function endWithCommand(terminal: Terminal, running: Running): void {
  let over = false;
  const timer = setInterval(() => {
    if (over) {
      clearInterval(timer);
      if (!terminal.master.destroyed) terminal.endInput(); // it reaps its command and ends
    }
    over = hasEnded(running.pid); // one look more, for what the command said last
  }, LOOK_MS);
  const stop = () => clearInterval(timer);
  running.exited.then(stop, stop);
}

/** @param attach pid of lxc-attach, the parent of the command */
const hasEnded = (attach: number): boolean => {
  const pids = childrenOf(attach);
  return pids.length > 0 && !pids.some(isAlive);
};

function controls(running: Running): Pick<Session, 'exited' | 'signal' | 'kill'> {
  let ended = false;
  const exited = running.exited.then(exit => {
    ended = true;
    return codeOf(exit);
  });
  exited.catch(() => {});
  return {
    exited,
    signal(number) {
      if (!ended) for (const pid of childrenOf(running.pid)) send(pid, number);
    },
    kill() {
      if (ended) return;
      const pids = childrenOf(running.pid);
      for (const pid of pids) {
        send(-pid, constants.signals.SIGKILL);
        send(pid, constants.signals.SIGKILL);
      }
      if (pids.length === 0) running.kill('SIGKILL');
      const timer = setTimeout(() => running.kill('SIGKILL'), REAP_MS);
      exited.finally(() => clearTimeout(timer)).catch(() => {});
    },
  };
}

const codeOf = ({ code, signal }: Exit): number => (signal === null ? code : 128 + constants.signals[signal]);

function send(pid: number, signal: number): void {
  try {
    process.kill(pid, signal);
  } catch {
    // gone, or no group of its own
  }
}
