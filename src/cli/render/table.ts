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

async function drawTable(
  headers: readonly string[],
  rows: readonly (readonly string[])[],
  format: 'table' | 'compact',
): Promise<string> {
  const { default: Table } = await import('cli-table3');
  const table = new Table({
    chars: format === 'table' ? LINES : NO_LINES,
    style: { head: [], border: [] },
    head: headers as string[],
    colAligns: headers.map(() => 'center'),
  });
  for (const row of rows) table.push(row.map(content => ({ content, hAlign: 'left' as const })));
  return table.toString();
}

// biome-ignore format: one edge a line
const LINES = {
  top: '-', 'top-mid': '+', 'top-left': '+', 'top-right': '+',
  bottom: '-', 'bottom-mid': '+', 'bottom-left': '+', 'bottom-right': '+',
  left: '|', 'left-mid': '+', mid: '-', 'mid-mid': '+', right: '|', 'right-mid': '+', middle: '|',
};

const NO_LINES = { ...Object.fromEntries(Object.keys(LINES).map(edge => [edge, ''])), left: ' ', right: ' ' };

function csvCell(cell: string): string {
  return /[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
