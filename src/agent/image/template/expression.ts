/** Expressions of templates: names with dots, calls, literals, comparisons, `and or not in`, filters after a bar. */
import { FILTERS } from './filters.ts';
import { type Token, templateError } from './lex.ts';
import type { Value } from './value.ts';

export type Operator = '==' | '!=' | '<' | '>' | '<=' | '>=' | 'in' | 'not in' | 'and' | 'or';

export type Expression =
  | { readonly kind: 'literal'; readonly value: Value }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'property'; readonly of: Expression; readonly key: string }
  | { readonly kind: 'call'; readonly of: Expression; readonly args: readonly Expression[] }
  | { readonly kind: 'not'; readonly of: Expression }
  | { readonly kind: 'filter'; readonly of: Expression; readonly name: string; readonly arg: Expression | undefined }
  | { readonly kind: 'binary'; readonly operator: Operator; readonly left: Expression; readonly right: Expression };

/** Deeper nesting is no template that somebody wrote. */
const DEPTH_LIMIT = 50;
const LITERALS: Readonly<Record<string, Value>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: undefined,
  None: undefined,
  nil: undefined,
};
const COMPARISONS = ['==', '!=', '<', '>', '<=', '>='] as const;

/** A place in a list of tokens, moved on by the readers. */
export interface Cursor {
  readonly tokens: readonly Token[];
  readonly line: number;
  at: number;
}

export function parseExpression(cursor: Cursor, depth = 0): Expression {
  if (depth > DEPTH_LIMIT) throw templateError(cursor.line, `nested deeper than ${DEPTH_LIMIT} levels`);
  return anyOf(cursor, depth);
}

/** Takes the next token if it is this sign or word. */
export function take(cursor: Cursor, ...names: readonly string[]): string | undefined {
  const token = cursor.tokens[cursor.at];
  if (token === undefined || (token.kind !== 'sign' && token.kind !== 'name') || !names.includes(token.name))
    return undefined;
  cursor.at += 1;
  return token.name;
}

export function expectName(cursor: Cursor): string {
  const token = cursor.tokens[cursor.at++];
  if (token?.kind !== 'name') throw templateError(cursor.line, 'a name is missing');
  return token.name;
}

export function expectEnd(cursor: Cursor): void {
  if (cursor.at < cursor.tokens.length)
    throw templateError(cursor.line, `"${shown(cursor.tokens[cursor.at]!)}" is not understood here`);
}

function anyOf(cursor: Cursor, depth: number): Expression {
  let left = allOf(cursor, depth);
  while (take(cursor, 'or', '||')) left = { kind: 'binary', operator: 'or', left, right: allOf(cursor, depth) };
  return left;
}

function allOf(cursor: Cursor, depth: number): Expression {
  let left = negation(cursor, depth);
  while (take(cursor, 'and', '&&')) left = { kind: 'binary', operator: 'and', left, right: negation(cursor, depth) };
  return left;
}

function negation(cursor: Cursor, depth: number): Expression {
  let negated = false;
  while (take(cursor, 'not', '!')) negated = !negated;
  const of = comparison(cursor, depth);
  return negated ? { kind: 'not', of } : of;
}

function comparison(cursor: Cursor, depth: number): Expression {
  const left = filtered(cursor, depth);
  const sign = take(cursor, ...COMPARISONS, 'in', 'not') as Operator | 'not' | undefined;
  if (sign === undefined) return left;
  if (sign === 'not' && !take(cursor, 'in')) throw templateError(cursor.line, '"in" is missing after "not"');
  return { kind: 'binary', operator: sign === 'not' ? 'not in' : sign, left, right: filtered(cursor, depth) };
}

function filtered(cursor: Cursor, depth: number): Expression {
  let of = primary(cursor, depth);
  while (take(cursor, '|')) {
    const name = expectName(cursor);
    if (!FILTERS.includes(name))
      throw templateError(cursor.line, `unknown filter "${name}" (there are ${FILTERS.join(', ')})`);
    of = { kind: 'filter', of, name, arg: take(cursor, ':') ? primary(cursor, depth) : undefined };
  }
  return of;
}

function primary(cursor: Cursor, depth: number): Expression {
  const token = cursor.tokens[cursor.at++];
  if (token === undefined) throw templateError(cursor.line, 'something is missing at the end');
  if (token.kind === 'text') return { kind: 'literal', value: token.text };
  if (token.kind === 'number') return { kind: 'literal', value: token.number };
  if (token.kind === 'sign') {
    if (token.name !== '(') throw templateError(cursor.line, `"${token.name}" is not understood here`);
    const inner = parseExpression(cursor, depth + 1);
    expectSign(cursor, ')');
    return inner;
  }
  if (Object.hasOwn(LITERALS, token.name)) return { kind: 'literal', value: LITERALS[token.name] };
  return path({ kind: 'name', name: token.name }, cursor, depth);
}

/** Dots and calls after a name. */
function path(start: Expression, cursor: Cursor, depth: number): Expression {
  let of = start;
  for (let steps = 0; steps <= DEPTH_LIMIT; steps++) {
    if (take(cursor, '.')) {
      const token = cursor.tokens[cursor.at++];
      if (token?.kind === 'number') of = { kind: 'property', of, key: String(token.number) };
      else if (token?.kind === 'name') of = { kind: 'property', of, key: token.name };
      else throw templateError(cursor.line, 'a name is missing after "."');
    } else if (take(cursor, '(')) {
      const args: Expression[] = [];
      while (!take(cursor, ')')) {
        if (args.length > 0) expectSign(cursor, ',');
        args.push(parseExpression(cursor, depth + 1));
      }
      of = { kind: 'call', of, args };
    } else return of;
  }
  throw templateError(cursor.line, `nested deeper than ${DEPTH_LIMIT} levels`);
}

function expectSign(cursor: Cursor, sign: string): void {
  if (!take(cursor, sign)) throw templateError(cursor.line, `"${sign}" is missing`);
}

const shown = (token: Token): string =>
  token.kind === 'text' ? token.text : token.kind === 'number' ? String(token.number) : token.name;
