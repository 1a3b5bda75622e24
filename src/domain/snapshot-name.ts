/** What a snapshot is called when nobody names it: LXD's `snapshots.pattern`, by default `snap%d`. Pure. */
import { fail } from './errors.ts';
import { checkName } from './names.ts';
import type { ValueCheck } from './values.ts';
import { wrong } from './values.ts';

const DEFAULT_PATTERN = 'snap%d';

/** `{{ creation_date }}`, or with a layout as Go writes them: `{{ creation_date|date:'2006-01-02_15-04-05' }}`. */
const CREATION_DATE = /\{\{\s*creation_date\s*(?:\|\s*date\s*:\s*(?:'([^']*)'|"([^"]*)")\s*)?\}\}/g;
const DEFAULT_LAYOUT = '2006-01-02_15-04-05';

/**
 * @param pattern of the instance's config; '' or undefined = `snap%d`. `%d` counts on from the highest that there is.
 * @param taken names of its snapshots @param now ms since the epoch
 * @throws AppError `invalid` when what comes out is no name
 */
export function nextSnapshotName(pattern: string | undefined, taken: readonly string[], now: number): string {
  const dated = (pattern || DEFAULT_PATTERN).replace(CREATION_DATE, (_all, single?: string, double?: string) =>
    formatDate(single ?? double ?? DEFAULT_LAYOUT, new Date(now)),
  );
  if (dated.includes('%d')) return checkName('snapshot', dated.replace('%d', String(nextNumber(dated, taken))));
  return checkName('snapshot', taken.includes(dated) ? `${dated}-${nextNumber(`${dated}-%d`, taken)}` : dated);
}

export const snapshotPattern: ValueCheck = (key, value) => {
  const left = value.replace(CREATION_DATE, '');
  if (/[{}]/.test(left))
    wrong(key, value, 'may hold %d and {{ creation_date|date:"2006-01-02" }}, nothing else in braces');
  nextSnapshotName(value, [], 0);
};

/** One more than the highest number that stands for `%d` among the names. */
function nextNumber(pattern: string, taken: readonly string[]): number {
  const [before, after] = pattern.split('%d', 2) as [string, string];
  const numbers = taken
    .filter(name => name.startsWith(before) && name.endsWith(after) && name.length > before.length + after.length)
    .map(name => name.slice(before.length, name.length - after.length))
    .filter(text => /^\d{1,9}$/.test(text));
  return Math.max(-1, ...numbers.map(Number)) + 1;
}

/** In UTC. Longer parts of the layout come first: 2006 before 06. */
function formatDate(layout: string, date: Date): string {
  const two = (number: number) => String(number).padStart(2, '0');
  const parts: Readonly<Record<string, string>> = {
    '2006': String(date.getUTCFullYear()),
    '01': two(date.getUTCMonth() + 1),
    '02': two(date.getUTCDate()),
    '15': two(date.getUTCHours()),
    '04': two(date.getUTCMinutes()),
    '05': two(date.getUTCSeconds()),
    '06': two(date.getUTCFullYear() % 100),
  };
  return layout.replace(/2006|01|02|15|04|05|06/g, part => parts[part] ?? fail('internal', `no part ${part}`));
}
