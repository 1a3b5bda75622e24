/** Sizes and times as LXD's client prints them. */

const BINARY = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
const DECIMAL = ['kB', 'MB', 'GB', 'TB', 'PB', 'EB'];

/** 573440 is "560.00KiB"; below one KiB it is whole bytes. */
export function binarySize(bytes: number): string {
  return scaled(bytes, 1024, BINARY);
}

/** As binarySize, in powers of 1000. */
export function decimalSize(bytes: number): string {
  return scaled(bytes, 1000, DECIMAL);
}

function scaled(bytes: number, base: number, units: readonly string[]): string {
  if (Math.abs(bytes) < base) return `${bytes}B`;
  let value = bytes;
  let unit = -1;
  while (Math.abs(value) >= base && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  return `${value.toFixed(2)}${units[unit]}`;
}

/** "2026/11/23 15:02 UTC", or undefined for the API's "never". */
export function dateTime(text: string | undefined): string | undefined {
  const date = new Date(text ?? 0);
  if (Number.isNaN(date.getTime()) || date.getTime() <= 0) return undefined;
  return `${date.toISOString().slice(0, 16).replaceAll('-', '/').replace('T', ' ')} UTC`;
}

/** "Nov 23, 2026 at 3:02pm (UTC)", or undefined for the API's "never". */
export function longDate(text: string | undefined): string | undefined {
  if (dateTime(text) === undefined) return undefined;
  const date = new Date(text!);
  const day = date.toLocaleString('en-US', { timeZone: 'UTC', month: 'short', day: 'numeric', year: 'numeric' });
  const hours = date.getUTCHours();
  const minutes = String(date.getUTCMinutes()).padStart(2, '0');
  return `${day} at ${hours % 12 || 12}:${minutes}${hours < 12 ? 'am' : 'pm'} (UTC)`;
}

export function yesNo(value: boolean | undefined): string {
  return value ? 'yes' : 'no';
}
