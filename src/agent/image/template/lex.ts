/**
 * Cuts a template into text, outputs `{{ }}` and tags `{% %}`, and what is inside of those into tokens. A dash inside
 * a bracket (`{{-`, `-%}`) eats the white space outside of it. One pass from left to right.
 */
import { AppError } from '../../../domain/errors.ts';

export type Token =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'name' | 'sign'; readonly name: string };

export type Piece =
  | { readonly kind: 'text'; readonly text: string; readonly line: number }
  | { readonly kind: 'output' | 'tag'; readonly tokens: readonly Token[]; readonly line: number };

const KINDS = { '{': 'output', '%': 'tag', '#': 'comment' } as const;
const CLOSINGS = { output: '}}', tag: '%}', comment: '#}' } as const;
const OPENING = /\{([{%#])(-?)/g;
const TOKEN =
  /"((?:[^"\\]|\\[\s\S])*)"|'((?:[^'\\]|\\[\s\S])*)'|(\d+(?:\.\d+)?)|([A-Za-z_]\w*)|(==|!=|<=|>=|&&|\|\||[<>()|:.,!])/y;
const SPACE = /\s*/y;

export function templateError(line: number, why: string): AppError {
  return new AppError('invalid', `line ${line}: ${why}`);
}

/** Throws `invalid` with the line. */
export function lex(source: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let line = 1;
  let eaten = false;
  for (let at = 0; ; ) {
    OPENING.lastIndex = at;
    const opening = OPENING.exec(source);
    const raw = source.slice(at, opening?.index ?? source.length);
    const left = eaten ? raw.trimStart() : raw;
    const text = opening?.[2] === '-' ? left.trimEnd() : left;
    if (text !== '') pieces.push({ kind: 'text', text, line });
    if (opening === null) return pieces;

    line += newlines(raw);
    const kind = KINDS[opening[1] as keyof typeof KINDS];
    const { tokens, end, dash } = inside(source, OPENING.lastIndex, kind, line);
    if (kind !== 'comment') pieces.push({ kind, tokens, line });
    line += newlines(source.slice(opening.index, end));
    at = end;
    eaten = dash;
  }
}

function inside(source: string, from: number, kind: keyof typeof CLOSINGS, line: number) {
  const closing = CLOSINGS[kind];
  const tokens: Token[] = [];
  if (kind === 'comment') {
    const at = source.indexOf(closing, from);
    if (at === -1) throw templateError(line, `a comment without "${closing}"`);
    return { tokens, end: at + 2, dash: source[at - 1] === '-' };
  }
  for (let at = from; ; at = TOKEN.lastIndex) {
    SPACE.lastIndex = at;
    SPACE.test(source);
    at = SPACE.lastIndex;
    for (const dash of [false, true]) {
      const mark = dash ? `-${closing}` : closing;
      if (source.startsWith(mark, at)) return { tokens, end: at + mark.length, dash };
    }
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(source);
    if (found === null) {
      const what = at >= source.length ? `"${closing}" is missing` : `"${source[at]}" is not understood here`;
      throw templateError(line + newlines(source.slice(from, at)), what);
    }
    tokens.push(tokenOf(found));
  }
}

function tokenOf([, double, single, digits, name, sign]: RegExpExecArray): Token {
  const text = double ?? single;
  if (text !== undefined) return { kind: 'text', text: text.replace(/\\(["'\\])/g, '$1') };
  if (digits !== undefined) return { kind: 'number', number: Number(digits) };
  return name !== undefined ? { kind: 'name', name } : { kind: 'sign', name: sign! };
}

const newlines = (text: string): number => text.split('\n').length - 1;
