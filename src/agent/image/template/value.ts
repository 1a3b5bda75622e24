/**
 * The values that templates work with: plain data, and functions that we made. What is looked up is only ever what an
 * object has of its own, so that no template reaches anything of the language it is interpreted by.
 */
type TemplateFunction = (...args: readonly Value[]) => Value;
export type Value = string | number | boolean | undefined | TemplateFunction | readonly Value[] | ValueMap;
export interface ValueMap {
  readonly [key: string]: Value;
}

const isMap = (value: Value): value is ValueMap => typeof value === 'object' && !Array.isArray(value);
const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

/** `value.key`: of a map, or of a list by number; undefined for everything else. */
export function property(value: Value, key: string): Value {
  if (isList(value)) return /^\d{1,9}$/.test(key) ? value[Number(key)] : undefined;
  return isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** As it is printed; booleans as in Django. What is no text prints nothing. */
export function textOf(value: Value): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

export function isTruthy(value: Value): boolean {
  if (isList(value)) return value.length > 0;
  if (isMap(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** A number equals its text: configuration is text, and templates compare it to numbers. */
export function isEqual(left: Value, right: Value): boolean {
  if (left === right) return true;
  const plain = (value: Value) => typeof value === 'string' || typeof value === 'number';
  return plain(left) && plain(right) && String(left) === String(right);
}

/** A substring of a text, an item of a list, a key of a map. */
export function isIn(item: Value, container: Value): boolean {
  if (typeof container === 'string') return container.includes(textOf(item));
  if (isList(container)) return container.some(each => isEqual(each, item));
  return isMap(container) && Object.hasOwn(container, textOf(item));
}

/** Pairs for a loop: a map's keys in order with their values, a list's items with their numbers. */
export function itemsOf(value: Value): readonly (readonly [Value, Value])[] {
  if (isList(value)) return value.map((item, i) => [item, i] as const);
  if (isMap(value))
    return Object.keys(value)
      .sort()
      .map(key => [key, value[key]] as const);
  return [];
}
