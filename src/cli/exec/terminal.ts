import { constants } from 'node:os';
import { stty } from '../child.ts';
import type { Io } from '../io.ts';

/** The user's terminal during an interactive command: raw while it runs, and always given back as it was. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export function terminalSize(io: Io): Size {
  return { columns: io.stdout.columns ?? 80, rows: io.stdout.rows ?? 24 };
}

/**
 * Every key goes to the command, Ctrl-C too, and what the command writes reaches the terminal untouched. Node's own raw
 * mode still turns "\n" into "\r\n", which garbles full-screen programs; stty does not. Returns the function that gives
 * the terminal back; an exit of the process gives it back as well.
 */
export function rawMode(io: Io): () => void {
  if (!io.stdin.isTTY) return () => {};
  const saved = stty(['-g'])?.trim();
  const isRaw = saved !== undefined && stty(['raw', '-echo']) !== undefined;
  if (!isRaw) io.stdin.setRawMode?.(true);
  const restore = () => {
    process.off('exit', restore);
    if (isRaw) stty([saved]);
    else io.stdin.setRawMode?.(false);
  };
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
