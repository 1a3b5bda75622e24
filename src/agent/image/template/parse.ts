/** Builds the tree of a template: texts, outputs, conditions and loops. */
import { type Cursor, type Expression, expectEnd, expectName, parseExpression, take } from './expression.ts';
import { lex, type Piece, templateError } from './lex.ts';

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'output'; readonly expression: Expression }
  | { readonly kind: 'if'; readonly branches: readonly Branch[] }
  | {
      readonly kind: 'for';
      readonly names: readonly string[];
      readonly over: Expression;
      readonly body: readonly Node[];
      readonly empty: readonly Node[];
    };

/** The last one may have no condition. */
interface Branch {
  readonly condition: Expression | undefined;
  readonly body: readonly Node[];
}

const DEPTH_LIMIT = 50;

/** Throws `invalid` with the line and what is wrong there. */
export function parseTemplate(source: string): readonly Node[] {
  const pieces = lex(source);
  let at = 0;

  /** Reads until one of these tags, which it returns with what stands behind its name. */
  function until(
    ends: readonly string[],
    depth: number,
  ): { readonly body: readonly Node[]; readonly end: Cursor & { readonly tag: string } } {
    const body: Node[] = [];
    if (depth > DEPTH_LIMIT) throw templateError(pieces[at]?.line ?? 1, `nested deeper than ${DEPTH_LIMIT} levels`);
    for (; at < pieces.length; ) {
      const piece = pieces[at++]!;
      if (piece.kind === 'text') body.push({ kind: 'text', text: piece.text });
      else {
        const cursor = { tokens: piece.tokens, line: piece.line, at: 0 };
        if (piece.kind === 'output') body.push({ kind: 'output', expression: whole(cursor) });
        else {
          const tag = expectName(cursor);
          if (ends.includes(tag)) return { body, end: { ...cursor, tag } };
          body.push(...block(tag, cursor, depth));
        }
      }
    }
    if (ends.length > 0) throw templateError(pieces.at(-1)?.line ?? 1, `{% ${ends.at(-1)} %} is missing`);
    return { body, end: { tokens: [], line: 1, at: 0, tag: '' } };
  }

  function block(tag: string, cursor: Cursor, depth: number): readonly Node[] {
    if (tag === 'if') return [condition(cursor, depth)];
    if (tag === 'for') return [loop(cursor, depth)];
    if (tag === 'comment') {
      skipComment(cursor.line);
      return [];
    }
    throw templateError(cursor.line, `unknown tag "${tag}" (there are if, for and comment)`);
  }

  function condition(cursor: Cursor, depth: number): Node {
    const branches: Branch[] = [];
    for (let test: Expression | undefined = whole(cursor); ; ) {
      const { body, end } = until(test === undefined ? ['endif'] : ['elif', 'else', 'endif'], depth + 1);
      branches.push({ condition: test, body });
      if (end.tag === 'endif') return { kind: 'if', branches };
      test = end.tag === 'elif' ? whole(end) : undefined;
    }
  }

  function loop(cursor: Cursor, depth: number): Node {
    const names = [expectName(cursor)];
    if (take(cursor, ',')) names.push(expectName(cursor));
    if (!take(cursor, 'in')) throw templateError(cursor.line, '"in" is missing in the loop');
    const over = whole(cursor);
    const { body, end } = until(['empty', 'endfor'], depth + 1);
    const empty = end.tag === 'empty' ? until(['endfor'], depth + 1).body : [];
    return { kind: 'for', names, over, body, empty };
  }

  function skipComment(line: number): void {
    const isEnd = (piece: Piece) =>
      piece.kind === 'tag' && piece.tokens[0]?.kind === 'name' && piece.tokens[0].name === 'endcomment';
    while (at < pieces.length) if (isEnd(pieces[at++]!)) return;
    throw templateError(line, '{% endcomment %} is missing');
  }

  return until([], 0).body;
}

function whole(cursor: Cursor): Expression {
  const expression = parseExpression(cursor);
  expectEnd(cursor);
  return expression;
}
