import { constants } from 'node:os';
import type { Io } from '../io.ts';

/** The user's terminal during an interactive command: raw while it runs, and always given back as it was. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export function terminalSize(io: Io): Size {
  return { columns: io.stdout.columns ?? 80, rows: io.stdout.rows ?? 24 };
}

/** Every key goes to the command, Ctrl-C too. Returns the function that undoes it; an exit of the process undoes it as well. */
export function rawMode(io: Io): () => void {
  if (!io.stdin.isTTY || io.stdin.setRawMode === undefined) return () => {};
  const restore = () => {
    io.stdin.setRawMode?.(false);
    process.off('exit', restore);
  };
  io.stdin.setRawMode(true);
  process.on('exit', restore);
  return restore;
}

const FORWARDED = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGCONT', 'SIGTSTP'] as const;

/** Hands signals to the command instead of ending this process. Returns the function that undoes it. */
export function forwardSignals(send: (signal: number) => void): () => void {
  const listeners = FORWARDED.map(name => [name, () => send(constants.signals[name])] as const);
  for (const [name, listener] of listeners) process.on(name, listener);
  return () => {
    for (const [name, listener] of listeners) process.off(name, listener);
  };
}

export function onResize(io: Io, listener: (size: Size) => void): () => void {
  const resized = () => listener(terminalSize(io));
  io.stdout.on('resize', resized);
  return () => io.stdout.off('resize', resized);
}
