/**
 * A list as a person or a program wants it. `table` is drawn as LXD's client draws it, to the character, because scripts
 * cut columns out of it; `json` and `yaml` are what the server said, and `csv` and `compact` the cells of the table.
 */
import { Option } from 'commander';
import { renderYaml } from './yaml.ts';

const FORMATS = ['table', 'json', 'yaml', 'csv', 'compact'] as const;
export type Format = (typeof FORMATS)[number];

export interface List {
  readonly headers: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What json and yaml show. */
  readonly raw: unknown;
}

export function formatOption(): Option {
  return new Option('-f, --format <format>', 'how to print it').choices(FORMATS).default('table');
}

export async function renderList(list: List, format: Format): Promise<string> {
  switch (format) {
    case 'json':
      return JSON.stringify(list.raw);
    case 'yaml':
      return renderYaml(list.raw);
    case 'csv':
      return list.rows.map(row => row.map(csvCell).join(',')).join('\n');
    case 'table':
    case 'compact':
      return drawTable(list.headers, list.rows, format);
  }
}

/** Sorts "c2" before "c10", by the first column, then the next. */
export function sortRows(rows: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return rows.toSorted((a, b) => {
    const column = a.findIndex((cell, i) => cell !== b[i]);
    return column === -1 ? 0 : natural.compare(a[column]!, b[column]!);
  });
}

/** "c2" before "c10". */
export function byName<T extends { readonly name: string }>(a: T, b: T): number {
  return natural.compare(a.name, b.name);
}

const natural = new Intl.Collator('en', { numeric: true });

/** A table as text, for what is shown but is no list. */
export function drawTableText(headers: readonly string[], rows: readonly (readonly string[])[]): Promise<string> {
  return drawTable(headers, rows, 'table');
}

/** As LXD's client draws it: heads in the middle, cells to the left, a line after each row. */
async function drawTable(
  headers: readonly string[],
  rows: readonly (readonly string[])[],
  format: 'table' | 'compact',
): Promise<string> {
  const width = await measure([headers, ...rows]);
  const widths = headers.map((head, column) =>
    [head, ...rows.map(row => row[column] ?? '')]
      .flatMap(cell => cell.split('\n'))
      .reduce((most, line) => Math.max(most, width(line)), 0),
  );
  const [edge, between] = format === 'table' ? ['|', '|'] : [' ', ''];
  const draw = (row: readonly string[], align: (text: string, room: number) => string): readonly string[] => {
    const cells = widths.map((_, column) => (row[column] ?? '').split('\n'));
    const height = Math.max(1, ...cells.map(lines => lines.length));
    return Array.from({ length: height }, (_, at) => {
      const texts = cells.map((lines, column) => align(lines[at] ?? '', widths[column]! - width(lines[at] ?? '')));
      return edge + texts.map(text => ` ${text} `).join(between) + edge;
    });
  };
  const rule = format === 'table' ? [`+${widths.map(room => '-'.repeat(room + 2)).join('+')}+`] : [];
  const lines = [...rule, ...draw(headers, inTheMiddle), ...rule];
  for (const row of rows) lines.push(...draw(row, toTheLeft), ...rule);
  return lines.join('\n');
}

const toTheLeft = (text: string, room: number) => text + ' '.repeat(room);
const inTheMiddle = (text: string, room: number) => ' '.repeat(room >> 1) + text + ' '.repeat(Math.ceil(room / 2));

const ASCII = /^[\x20-\x7e\n]*$/;

/** Columns on a terminal. Only where there is more than ASCII does it take a table of all characters. */
async function measure(rows: readonly (readonly string[])[]): Promise<(line: string) => number> {
  if (rows.every(row => row.every(cell => ASCII.test(cell)))) return line => line.length;
  return (await import('string-width')).default;
}

function csvCell(cell: string): string {
  return /[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
