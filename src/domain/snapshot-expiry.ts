/** How long a snapshot is kept: LXD's `snapshots.expiry`, like "1M 2H 3d 4w 5m 6y". Pure. */
import type { ValueCheck } from './values.ts';
import { wrong } from './values.ts';

/** M is minutes and m is months. */
const UNITS = 'MHdwmy';
const EXPRESSION = new RegExp(`^\\s*(\\d{1,6}[${UNITS}])(\\s+\\d{1,6}[${UNITS}])*\\s*$`);

/** @param from ms since the epoch @returns the same; undefined = it is kept for ever. Months and years are those of the calendar, in UTC. */
export function expiryOf(expression: string | undefined, from: number): number | undefined {
  if (expression === undefined || !EXPRESSION.test(expression)) return undefined;
  const date = new Date(from);
  for (const [, number, unit] of expression.matchAll(/(\d+)([A-Za-z])/g)) {
    const count = Number(number);
    if (unit === 'M') date.setUTCMinutes(date.getUTCMinutes() + count);
    else if (unit === 'H') date.setUTCHours(date.getUTCHours() + count);
    else if (unit === 'd') date.setUTCDate(date.getUTCDate() + count);
    else if (unit === 'w') date.setUTCDate(date.getUTCDate() + 7 * count);
    else if (unit === 'm') date.setUTCMonth(date.getUTCMonth() + count);
    else date.setUTCFullYear(date.getUTCFullYear() + count);
  }
  return Number.isNaN(date.getTime()) ? undefined : date.getTime();
}

export const snapshotExpiry: ValueCheck = (key, value) => {
  if (!EXPRESSION.test(value)) {
    wrong(key, value, 'is not a time to keep it, like "30M", "12H", "7d", "4w", "6m" or "1y", or several of them');
  }
};
