/** The table of docs/migration.md from what `--json FILE` kept: `node bench/programs/markdown.ts FILE ...`; a later file counts. */
import { readFileSync } from 'node:fs';
import { type ProgramRow, programTable } from './table.ts';

const all = process.argv.slice(2).flatMap(path => JSON.parse(readFileSync(path, 'utf8')).rows as ProgramRow[]);
const rows = [...new Map(all.map(row => [row.program, row])).values()];
const [head, ...cells] = programTable(rows);
for (const row of [head!, head!.map(() => '---'), ...cells])
  console.log(`| ${row.map(cell => cell.replaceAll('|', '/')).join(' | ')} |`);
