/** LXD's instance types in their plain form, `c2-m4`: so many CPUs, so many GiB of memory. */
import { fail } from './errors.ts';
import type { Config } from './instance.ts';

/** The limits that a type stands for; '' stands for none. @throws AppError `invalid`. */
export function limitsOfType(type: string): Config {
  if (type === '') return {};
  const { c, m } = /^(?:c(?<c>\d{1,4}))?-?(?:m(?<m>\d{1,6}(?:\.\d{1,3})?))?$/.exec(type)?.groups ?? {};
  const memoryMiB = Math.round(Number(m ?? 0) * 1024);
  if ((c === undefined && m === undefined) || c === '0' || (m !== undefined && memoryMiB < 1)) {
    fail('invalid', `Invalid "instance_type": "${type}" (as in c2-m4: CPUs and GiB of memory; or set limits.cpu, …)`);
  }
  return {
    ...(c === undefined ? {} : { 'limits.cpu': String(Number(c)) }),
    ...(m === undefined ? {} : { 'limits.memory': `${memoryMiB}MiB` }),
  };
}
