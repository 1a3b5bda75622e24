/**
 * When snapshots are taken by themselves: LXD's `snapshots.schedule`, a cron expression or several with ", " between, or
 * aliases. Times are UTC. Pure.
 */
import { parseCron } from './cron.ts';
import { type ValueCheck, wrong } from './values.ts';

/** `m` is a minute of each instance's own, so that not all of them are taken at once. */
const ALIASES: Readonly<Record<string, string>> = {
  '@hourly': 'm * * * *',
  '@daily': 'm 0 * * *',
  '@midnight': 'm 0 * * *',
  '@weekly': 'm 0 * * 0',
  '@monthly': 'm 0 1 * *',
  '@annually': 'm 0 1 1 *',
  '@yearly': 'm 0 1 1 *',
};
const STARTUP = '@startup';
const NEVER = '@never';
const MINUTE_MS = 60_000;

/** Whether one is due when the instance was started. */
export function isAtStartup(schedule: string | undefined): boolean {
  return partsOf(schedule).includes(STARTUP);
}

/**
 * The last time at which a snapshot was due.
 * @param seed decides the minute of aliases: the same for the same instance. @param now ms since the epoch
 * @returns ms since the epoch, a whole minute; undefined: none was within the last `withinMs`.
 */
export function lastDue(schedule: string | undefined, seed: string, now: number, withinMs: number): number | undefined {
  const crons = partsOf(schedule).flatMap(part => parseCron(cronOf(part, seed)) ?? []);
  if (crons.length === 0) return undefined;
  for (let at = now - (now % MINUTE_MS); at > now - withinMs; at -= MINUTE_MS) {
    if (crons.some(cron => cron.matches(at))) return at;
  }
  return undefined;
}

export const snapshotSchedule: ValueCheck = (key, value) => {
  for (const part of partsOf(value)) {
    const isWord = part === STARTUP || part === NEVER;
    if (!isWord && parseCron(cronOf(part, '')) === undefined) {
      const words = [...Object.keys(ALIASES), STARTUP, NEVER].join(', ');
      wrong(key, value, `is not a cron expression like "0 6 * * *" (several with ", " between), nor one of ${words}`);
    }
  }
};

/** Aliases may be separated by a bare comma; within a cron expression that is a list of numbers. */
function partsOf(schedule: string | undefined): readonly string[] {
  const text = (schedule ?? '').trim();
  if (text === '') return [];
  return text.split(text.includes('@') ? /\s*,\s*(?=@)|\s*,\s+/ : /\s*,\s+/).map(part => part.trim());
}

function cronOf(part: string, seed: string): string {
  const alias = Object.hasOwn(ALIASES, part) ? ALIASES[part]! : part;
  return alias.replace(/^m/, String([...seed].reduce((sum, char) => sum * 31 + char.charCodeAt(0), 7) % 60));
}
