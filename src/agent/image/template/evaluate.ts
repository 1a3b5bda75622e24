/** Computes what an expression of a template is worth. */
import type { Expression, Operator } from './expression.ts';
import { applyFilter } from './filters.ts';
import { isEqual, isIn, isTruthy, property, textOf, type Value } from './value.ts';

/** @param lookUp the value of a name @param step called once per operation; throws when it was too many */
export function evaluate(expression: Expression, lookUp: (name: string) => Value, step: () => void): Value {
  step();
  const value = (of: Expression): Value => evaluate(of, lookUp, step);
  switch (expression.kind) {
    case 'literal':
      return expression.value;
    case 'name':
      return lookUp(expression.name);
    case 'property':
      return property(value(expression.of), expression.key);
    case 'call': {
      const called = value(expression.of);
      const args = expression.args.map(value);
      return typeof called === 'function' ? called(...args) : undefined;
    }
    case 'not':
      return !isTruthy(value(expression.of));
    case 'filter':
      return applyFilter(expression.name, value(expression.of), expression.arg && value(expression.arg));
    case 'binary':
      return binary(expression.operator, value(expression.left), () => value(expression.right));
  }
}

function binary(operator: Operator, left: Value, right: () => Value): Value {
  switch (operator) {
    case 'and':
      return isTruthy(left) && isTruthy(right());
    case 'or':
      return isTruthy(left) || isTruthy(right());
    case '==':
      return isEqual(left, right());
    case '!=':
      return !isEqual(left, right());
    case 'in':
      return isIn(left, right());
    case 'not in':
      return !isIn(left, right());
    case '<':
      return compare(left, right()) < 0;
    case '>':
      return compare(left, right()) > 0;
    case '<=':
      return compare(left, right()) <= 0;
    case '>=':
      return compare(left, right()) >= 0;
  }
}

/** As numbers if both are; NaN (so that every comparison is false) if they cannot be compared. */
function compare(left: Value, right: Value): number {
  return Number.parseFloat(textOf(left)) - Number.parseFloat(textOf(right));
}
