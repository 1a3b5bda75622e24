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

const BIT_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  bit: 1,
  kbit: 1e3,
  Mbit: 1e6,
  Gbit: 1e9,
  Tbit: 1e12,
  Kibit: 2 ** 10,
  Mibit: 2 ** 20,
  Gibit: 2 ** 30,
  Tibit: 2 ** 40,
};

/** Bits a second as LXD writes them: "10Mbit", "1Gbit". @throws AppError `invalid`, naming `field`. */
export function parseBitRate(field: string, text: string): number {
  const [, number, unit] = /^(\d+)([a-zA-Z]*)$/.exec(text.trim()) ?? [];
  const bits = unit !== undefined && Object.hasOwn(BIT_UNITS, unit) ? Number(number) * BIT_UNITS[unit]! : 0;
  if (!(bits >= 8_000 && Number.isSafeInteger(bits)))
    fail('invalid', `Invalid value for "${field}": "${text}" is not a rate of 8kbit or more (examples: 10Mbit, 1Gbit)`);
  return bits;
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
