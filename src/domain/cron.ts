/** Cron expressions: `minute hour day-of-month month day-of-week`, in UTC. Pure. */

const FIELDS = [
  { name: 'minute', min: 0, max: 59, names: [] },
  { name: 'hour', min: 0, max: 23, names: [] },
  { name: 'day of month', min: 1, max: 31, names: [] },
  { name: 'month', min: 1, max: 12, names: 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ') },
  { name: 'day of week', min: 0, max: 7, names: 'sun mon tue wed thu fri sat'.split(' ') },
] as const;

export interface Cron {
  /** Is this minute (ms since the epoch) one of it? */
  matches(at: number): boolean;
}

/** Undefined: it is no cron expression. */
export function parseCron(text: string): Cron | undefined {
  const words = text.trim().toLowerCase().split(/\s+/);
  if (words.length !== FIELDS.length) return undefined;
  const sets = words.map((word, i) => parseField(word, FIELDS[i]!));
  const [minutes, hours, days, months, weekdays] = sets;
  if (!minutes || !hours || !days || !months || !weekdays) return undefined;
  // The old rule: with both days restricted, either will do.
  const either = words[2] !== '*' && words[4] !== '*';
  return {
    matches: at => {
      const date = new Date(at);
      const day = days.has(date.getUTCDate());
      const weekday = weekdays.has(date.getUTCDay());
      if (!(either ? day || weekday : day && weekday)) return false;
      return months.has(date.getUTCMonth() + 1) && hours.has(date.getUTCHours()) && minutes.has(date.getUTCMinutes());
    },
  };
}

/** `*`, `5`, `1-5`, `mon-fri`, each with `/step`, and lists of them. */
function parseField(word: string, { min, max, names }: (typeof FIELDS)[number]): ReadonlySet<number> | undefined {
  const found = new Set<number>();
  const number = (text: string): number => {
    const named = (names as readonly string[]).indexOf(text);
    if (named !== -1) return named + (min === 1 ? 1 : 0);
    return /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  };
  for (const part of word.split(',')) {
    const [range = '', step = '1', ...more] = part.split('/');
    const [first = '', last, ...rest] = range.split('-');
    const from = range === '*' ? min : number(first);
    const to = range === '*' ? max : last === undefined ? (part.includes('/') ? max : from) : number(last);
    const by = /^\d{1,2}$/.test(step) ? Number(step) : 0;
    if (!(from >= min && to <= max && from <= to && by >= 1) || more.length + rest.length > 0) return undefined;
    for (let value = from; value <= to; value += by) found.add(max === 7 ? value % 7 : value);
  }
  return found;
}
