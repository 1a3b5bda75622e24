/** What a config value may look like: one check each, which throws `invalid` and names the key. */
import { fail } from './errors.ts';
import { parseBytes } from './size.ts';

/** @throws AppError `invalid`, naming `key` and saying what would be right. */
export type ValueCheck = (key: string, value: string) => void;

export const anything: ValueCheck = () => {};

export const boolean = oneOf('true', 'false', '1', '0', 'yes', 'no', 'on', 'off');

/** LXD's reading of a boolean key; anything else, and absence, is false. */
export function isTrue(value: string | undefined): boolean {
  return ['true', '1', 'yes', 'on'].includes((value ?? '').toLowerCase());
}

export function oneOf(...choices: readonly string[]): ValueCheck {
  return (key, value) => {
    if (!choices.includes(value)) wrong(key, value, `is not one of ${choices.join(', ')}`);
  };
}

export function integer(min: number, max: number): ValueCheck {
  return (key, value) => {
    const number = /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= min && number <= max)) wrong(key, value, `is not a whole number from ${min} to ${max}`);
  };
}

export const size: ValueCheck = (key, value) => {
  parseBytes(key, value);
};

export const sizeOrPercent: ValueCheck = (key, value) => {
  const percent = /^(\d{1,3})%$/.exec(value);
  if (percent === null) parseBytes(key, value);
  else if (Number(percent[1]) < 1 || Number(percent[1]) > 100) wrong(key, value, 'is not from 1% to 100%');
  if (percent === null && parseBytes(key, value) < 2 ** 20) wrong(key, value, 'is less than 1MiB: nothing would start');
};

/** "2" (that many cores) or "0,2-3" (these cores). */
export const cpus: ValueCheck = (key, value) => {
  if (/^\d+$/.test(value)) return integer(1, 4096)(key, value);
  const parts = value.split(',');
  const good = parts.every(part => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    return match !== null && Number(match[2] ?? match[1]) >= Number(match[1]) && Number(match[2] ?? match[1]) < 4096;
  });
  if (!good) wrong(key, value, 'is neither a number of cores (2) nor a set of them (0,2-3)');
};

/** "50%" (a share when cores are scarce) or "25ms/100ms" (a hard ceiling). */
export const cpuAllowance: ValueCheck = (key, value) => {
  const percent = /^(\d{1,3})%$/.exec(value);
  const slice = /^(\d+)ms\/(\d+)ms$/.exec(value);
  const good = percent
    ? Number(percent[1]) >= 1 && Number(percent[1]) <= 100
    : slice !== null && Number(slice[1]) >= 1 && Number(slice[2]) >= 1 && Number(slice[2]) <= 1000;
  if (!good) wrong(key, value, 'is neither a share (50%) nor a time slice (25ms/100ms)');
};

export const macAddress: ValueCheck = (key, value) => {
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(value)) wrong(key, value, 'is not a MAC address');
  if ((Number.parseInt(value.slice(0, 2), 16) & 1) === 1) wrong(key, value, 'is a multicast address');
};

export const absolutePath: ValueCheck = (key, value) => {
  if (!value.startsWith('/') || value.split('/').includes('..') || value.includes('\0')) {
    wrong(key, value, 'is not an absolute path without ".."');
  }
};

export const interfaceName: ValueCheck = (key, value) => {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,14}$/.test(value))
    wrong(key, value, 'is not an interface name (at most 15 characters)');
};

export const ipv4: ValueCheck = (key, value) => {
  const good = /^(\d{1,3}\.){3}\d{1,3}$/.test(value) && value.split('.').every(part => Number(part) <= 255);
  if (!good) wrong(key, value, 'is not an IPv4 address');
};

export const ipv6: ValueCheck = (key, value) => {
  if (!URL.canParse(`http://[${value}]`) || !value.includes(':')) wrong(key, value, 'is not an IPv6 address');
};

export function wrong(key: string, value: string, why: string): never {
  fail('invalid', `Invalid value for "${key}": "${value}" ${why}`);
}
