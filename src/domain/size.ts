/** Amounts of bytes as LXD writes them: "512MiB", "2GB", "1073741824". */
import { fail } from './errors.ts';

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  PB: 1e15,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  PiB: 2 ** 50,
};

/** @throws AppError `invalid`, naming `field`. */
export function parseBytes(field: string, text: string): number {
  const match = /^(\d+)\s*([a-zA-Z]*)$/.exec(text.trim());
  const unit = match !== null && Object.hasOwn(UNITS, match[2]!) ? UNITS[match[2]!] : undefined;
  if (match === null || unit === undefined) {
    fail('invalid', `Invalid value for "${field}": "${text}" is not a size (examples: 512MiB, 2GB)`);
  }
  const bytes = Number(match[1]) * unit;
  if (!Number.isSafeInteger(bytes)) fail('invalid', `Invalid value for "${field}": "${text}" is too large`);
  return bytes;
}

/** Binary units with at most two decimals, as a person reads them: `1.5GiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Number(value.toFixed(2))}${units[unit]}`;
}
