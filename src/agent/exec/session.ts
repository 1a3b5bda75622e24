/** One command at work in a container, whichever way it is connected: three pipes or a terminal. */
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { type Exit, type Running, start } from '../command.ts';
import { childrenOf } from '../lxc/look.ts';
import type { AttachCommand } from './attach-command.ts';
import { openTerminal } from './terminal.ts';

export interface Session {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Undefined on a terminal: stdout carries both. */
  readonly stderr: Readable | undefined;
  /** The command's exit code, 128 + n for signal n. */
  readonly exited: Promise<number>;
  resize(columns: number, rows: number): void;
  /** To the command itself, by number. */
  signal(number: number): void;
  /** Ends the command, what belongs to its session, and lxc-attach. Harmless when they have ended. */
  kill(): void;
}

export function openPipes({ args, cwd }: AttachCommand): Session {
  const running = start('lxc-attach', args, { cwd });
  const { stdin, stdout, stderr } = running;
  return { stdin, stdout, stderr, resize: () => {}, ...controls(running) };
}

export function openOnTerminal({ args, cwd }: AttachCommand, columns: number, rows: number): Session {
  const { master, slave, closeSlave, resize } = openTerminal(columns, rows);
  // setsid makes the terminal the controlling one, so that the kernel tells lxc-attach of a changed size.
  const stdio = [slave, slave, slave];
  const running = start('setsid', ['--ctty', 'lxc-attach', ...args], { cwd, stdio, ownSession: false });
  closeSlave();
  return { stdin: master, stdout: master, stderr: undefined, resize, ...controls(running) };
}

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
      for (const pid of childrenOf(running.pid)) {
        send(-pid, constants.signals.SIGKILL);
        send(pid, constants.signals.SIGKILL);
      }
      running.kill('SIGKILL');
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
