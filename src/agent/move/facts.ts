/**
 * What is true of a dump or restore, read from the move's folder: nothing about it is kept in the agent's memory, so
 * that an agent that was restarted knows as much as the one that began. The files are written by the scripts in
 * `criu/bin`, and by `say` below.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Gates at which a script waits for the agent's word. */
export const GATES = ['images', 'pages', 'door', 'verdict'] as const;
export type Gate = (typeof GATES)[number];
export const WORDS = ['go', 'back'] as const;
export type Word = (typeof WORDS)[number];

export interface Facts {
  /** lxc-checkpoint was started. */
  readonly begun: boolean;
  /** It is still at work, or CRIU is, which outlives it. */
  readonly alive: boolean;
  /** CRIU is at work without the lxc-checkpoint that began it: what it restores has no LXC monitor, and dies as it is let go. */
  readonly orphaned: boolean;
  /** How it ended, unless somebody killed it and nobody could tell. */
  readonly exit: number | undefined;
  /** Stages reached, gates included, with their times in ms since the epoch (resolution: the kernel's tick, 4 ms). */
  readonly stages: ReadonlyMap<string, number>;
  readonly words: { readonly [G in Gate]: Word | undefined };
}

/** ms from one stage to another; undefined unless both were reached. */
export function between({ stages }: Facts, from: string, to: string): number | undefined {
  const [start, end] = [stages.get(from), stages.get(to)];
  return start === undefined || end === undefined ? undefined : end - start;
}

/**
 * Of a folder that is not there: nothing has begun. Synchronous on purpose: a dozen tiny files on tmpfs, read while an
 * instance stands still; trips to the thread pool took 3 to 6 ms each time, this takes less than one.
 */
export function readFacts(folder: string): Facts {
  const names = namesIn(folder);
  const marks = names.filter(name => name.startsWith('at.'));
  const pid = lineOf(join(folder, 'pid'));
  const atWork = isOurs(lineOf(join(folder, 'criu.pid')), folder);
  const alive = atWork || isOurs(pid, folder);
  const exit = atWork ? undefined : exitOf(folder, alive); // after the look: it is written before they end
  return {
    begun: pid !== undefined,
    alive: alive && exit === undefined,
    orphaned: atWork && lineOf(join(folder, 'exit')) !== undefined,
    exit,
    stages: new Map(marks.flatMap(name => stageOf(folder, name))),
    words: {
      images: wordAt(folder, 'images'),
      pages: wordAt(folder, 'pages'),
      door: wordAt(folder, 'door'),
      verdict: wordAt(folder, 'verdict'),
    },
  };
}

/** None: it was taken back since the folder was listed, as `pages-cut` is when there is another way. */
function stageOf(folder: string, name: string): readonly (readonly [string, number])[] {
  const found = statSync(join(folder, name), { throwIfNoEntry: false });
  return found === undefined ? [] : [[name.slice('at.'.length), found.mtimeMs]];
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function wordAt(folder: string, gate: Gate): Word | undefined {
  return lineOf(join(folder, `${gate}.word`)) as Word | undefined;
}

/** A first line that is complete; a file still being written counts as not there. */
function lineOf(path: string): string | undefined {
  const text = textOf(path);
  const end = text.indexOf('\n');
  return end < 0 ? undefined : text.slice(0, end);
}

/** What CRIU says of a dump counts, for lxc-checkpoint may have been killed; but not before that has ended too. */
function exitOf(folder: string, alive: boolean): number | undefined {
  const whole = lineOf(join(folder, 'exit'));
  if (whole === undefined && alive) return undefined;
  const text = lineOf(join(folder, 'criu.exit')) ?? whole;
  return text === undefined ? undefined : Number(text);
}

/** Pids are reused: it is ours only if our folder is among its arguments. */
function isOurs(pid: string | undefined, folder: string): boolean {
  return pid !== undefined && textOf(`/proc/${pid}/cmdline`).includes(folder);
}
