/**
 * LXD's filter language: `[not] FIELD eq|ne VALUE` joined by `and` / `or`, read from left to right without precedence.
 * Fields are keys of the object, dotted into maps (`config.user.x`). Texts are compared without case, the value being an
 * anchored regular expression.
 */
import { fail } from '../../domain/errors.ts';

export type Predicate = (object: unknown) => boolean;

/** An empty filter takes everything. @throws AppError `invalid`. */
export function parseFilter(text: string | undefined): Predicate {
  const words = split(text ?? '');
  if (words.length === 0) return () => true;
  let predicate: Predicate | undefined;
  for (let at = 0; at < words.length; ) {
    let join: 'and' | 'or' = 'and';
    if (predicate !== undefined) {
      const word = words[at]!.text;
      if (word !== 'and' && word !== 'or') fail('invalid', `Invalid filter: expected "and" or "or", found "${word}"`);
      join = word;
      at++;
    }
    const negated = words[at]?.text === 'not' && !words[at]!.quoted;
    if (negated) at++;
    const [field, operator, value] = words.slice(at, at + 3);
    if (field === undefined || operator === undefined || value === undefined)
      fail('invalid', 'Invalid filter: a clause is FIELD eq VALUE or FIELD ne VALUE');
    if (operator.text !== 'eq' && operator.text !== 'ne')
      fail('invalid', `Invalid filter: unknown operator "${operator.text}" (eq or ne)`);
    at += 3;
    const clause = compare(field.text, value.text, (operator.text === 'ne') !== negated);
    predicate = predicate === undefined ? clause : joined(join, predicate, clause);
  }
  return predicate!;
}

function joined(join: 'and' | 'or', left: Predicate, right: Predicate): Predicate {
  return join === 'and' ? object => left(object) && right(object) : object => left(object) || right(object);
}

function compare(field: string, wanted: string, negated: boolean): Predicate {
  const pattern = patternOf(wanted);
  const equal = (value: unknown) => {
    if (typeof value === 'string') return pattern.test(value);
    if (typeof value === 'boolean' || typeof value === 'number') return String(value) === wanted.toLowerCase();
    if (value === undefined || value === null) return wanted === '';
    return false;
  };
  return object => equal(lookUp(object, field)) !== negated;
}

/** Text that is no regular expression is taken literally. */
function patternOf(text: string): RegExp {
  const anchored = /[\^$]/.test(text) ? text : `^${text}$`;
  try {
    return new RegExp(anchored, 'i');
  } catch {
    return new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`, 'i');
  }
}

/** Keys of maps hold dots themselves, so the longest key that fits is tried first. */
function lookUp(object: unknown, path: string): unknown {
  if (typeof object !== 'object' || object === null) return undefined;
  if (Object.hasOwn(object, path)) return (object as Record<string, unknown>)[path];
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
    const key = path.slice(0, dot);
    if (Object.hasOwn(object, key)) return lookUp((object as Record<string, unknown>)[key], path.slice(dot + 1));
  }
  return undefined;
}

function split(text: string): { readonly text: string; readonly quoted: boolean }[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) =>
    quoted === undefined ? { text: plain!, quoted: false } : { text: quoted.replace(/\\(.)/g, '$1'), quoted: true },
  );
}
