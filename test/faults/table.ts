/**
 * Rows of trials as text: one line each, and the table of docs/faults.md.
 *
 *   node test/faults/table.ts FILE ...     files written by run.ts --json
 */
import { readFileSync } from 'node:fs';
import type { Row } from './trial.ts';

export function asText({ mode, fault, moment, end, said, anew, lost, pauseMs, recoveredMs, wrong }: Row): string {
  const what = end === 'missed' ? 'nothing to strike' : `on ${end}${anew ? ', anew' : ''}`;
  const client = lost === null ? `longest answer ${Math.round(pauseMs)} ms` : `connection lost (${lost})`;
  const order = wrong.length === 0 ? `in order after ${recoveredMs} ms` : `WRONG: ${wrong.join('; ').slice(0, 2000)}`;
  return `${mode}, ${fault}, at ${moment}: ${what}, ${client}, ${order}${said === '' ? '' : ` ("${said}")`}`;
}

if (process.argv[1] === import.meta.filename) {
  const files = process.argv.slice(2);
  const rows = files.flatMap(file => (JSON.parse(readFileSync(file, 'utf8')) as { rows: Row[] }).rows);
  console.log(`${rows.length}`);
}
