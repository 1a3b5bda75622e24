/**
 * Renders image templates: the part of pongo2 (Django's language) that images use. An image is not trusted: a template
 * can read the values it is given and nothing else, and it ends soon, whatever it says.
 */
import { AppError, fail } from '../../../domain/errors.ts';
import { evaluate } from './evaluate.ts';
import { type Node, parseTemplate } from './parse.ts';
import { isTruthy, itemsOf, property, textOf, type Value, type ValueMap } from './value.ts';

/** Far more than any real template needs; both are reached in well under a second. */
const STEP_LIMIT = 200_000;
const OUTPUT_LIMIT = 1024 * 1024;

/** Throws `invalid` for a template that is wrong or does not end. */
export function interpret(source: string, context: ValueMap): string {
  let steps = 0;
  const step = () => {
    if (++steps > STEP_LIMIT) fail('invalid', 'the template does too much');
  };
  const output: string[] = [];
  let length = 0;
  const print = (text: string) => {
    length += text.length;
    if (length > OUTPUT_LIMIT) fail('invalid', 'the template prints more than 1 MiB');
    output.push(text);
  };

  function run(nodes: readonly Node[], scope: ValueMap): void {
    const value = (expression: Parameters<typeof evaluate>[0]): Value =>
      evaluate(expression, name => property(scope, name), step);
    for (const node of nodes) {
      step();
      if (node.kind === 'text') print(node.text);
      else if (node.kind === 'output') print(textOf(value(node.expression)));
      else if (node.kind === 'if') {
        const taken = node.branches.find(({ condition }) => condition === undefined || isTruthy(value(condition)));
        if (taken !== undefined) run(taken.body, scope);
      } else {
        const items = itemsOf(value(node.over));
        if (items.length === 0) run(node.empty, scope);
        for (const [first, second] of items) run(node.body, { ...scope, ...loopNames(node.names, first, second) });
      }
    }
  }

  run(parseTemplate(source), context);
  return output.join('');
}

const loopNames = ([key, item]: readonly string[], first: Value, second: Value): ValueMap =>
  item === undefined ? { [key!]: first } : { [key!]: first, [item]: second };

/** Says which template it was. */
export function renderTemplate(name: string, source: string, context: ValueMap): string {
  try {
    return interpret(source, context);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError(error.code, `Template "${name}" of the image: ${error.message}`, error);
  }
}
