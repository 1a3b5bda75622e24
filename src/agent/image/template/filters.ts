/** The filters that templates may put after a bar. */
import { isTruthy, textOf, type Value } from './value.ts';

const TABLE: Readonly<Record<string, (value: Value, arg: Value) => Value>> = {
  default: (value, arg) => (isTruthy(value) ? value : arg),
  lower: value => textOf(value).toLowerCase(),
  upper: value => textOf(value).toUpperCase(),
  trim: value => textOf(value).trim(),
  // Nothing is escaped, ever; templates that come from HTML habits say so.
  safe: value => value,
};

export const FILTERS: readonly string[] = Object.keys(TABLE);

export const applyFilter = (name: string, value: Value, arg: Value): Value => TABLE[name]!(value, arg);
