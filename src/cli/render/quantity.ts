/** Sizes and times as LXD's client prints them. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** 573440 is "560.00KiB"; below one KiB it is whole bytes. */
export function binarySize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(2)}${UNITS[unit]}`;
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
