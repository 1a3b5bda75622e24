/** One line of LXC's configuration. A line break in a value would be a key of its own, so it is refused. */
import { fail } from '../../domain/errors.ts';

export function line(key: string, value: string): string {
  if (/[\r\n\0]/.test(value)) fail('invalid', `the value for ${key} must not contain a line break`);
  return `${key} = ${value}`;
}
