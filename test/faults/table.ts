/**
 * Rows of trials as text: one line each, and the tables of docs/faults.md.
 *
 *   node test/faults/table.ts FILE ...     files written by run.ts --json; a trial that is in several counts as in the last
 */
import { readFileSync } from 'node:fs';
import { LIVE_MODES, type LiveMode } from '../../src/domain/move-mode.ts';
import { FAULTS } from './faults.ts';
import { momentsOf, nameOf } from './moments.ts';
import type { Row } from './trial.ts';

export function asText({ mode, fault, moment, end, said, anew, lost, pauseMs, recoveredMs, wrong }: Row): string {
  const what = end === 'missed' ? 'nothing to strike' : `on ${end}${anew ? ', anew' : ''}`;
  const client = lost === null ? `longest answer ${Math.round(pauseMs)} ms` : `connection lost (${lost})`;
  const order = wrong.length === 0 ? `in order after ${recoveredMs} ms` : `WRONG: ${wrong.join('; ').slice(0, 2000)}`;
  return `${mode}, ${fault}, at ${moment}: ${what}, ${client}, ${order}${said === '' ? '' : ` ("${said}")`}`;
}

/** A line per fault: how it ended, and what it cost. */
export function summary(rows: readonly Row[]): string {
  const head = [
    'fault',
    'mode',
    'struck',
    'then on the source',
    'on the target',
    'stopped',
    'anew',
    'connections lost',
  ];
  const lines = FAULTS.flatMap(({ name }) =>
    LIVE_MODES.flatMap(mode => {
      const struck = rows.filter(row => row.fault === name && row.mode === mode && row.end !== 'missed');
      if (struck.length === 0) return [];
      const count = (is: (row: Row) => boolean) => struck.filter(is).length;
      const longest = (ms: (row: Row) => number) => seconds(Math.max(...struck.map(ms)));
      return [
        [
          name,
          mode,
          struck.length,
          count(({ end }) => end === 'source'),
          count(({ end }) => end === 'target'),
          count(({ end }) => end === 'stopped'),
          count(({ end, anew }) => anew && end !== 'stopped'),
          count(({ lost }) => lost !== null),
          longest(({ lost, pauseMs }) => (lost === null ? pauseMs : 0)),
          longest(({ recoveredMs }) => recoveredMs),
          count(({ wrong }) => wrong.length > 0),
        ],
      ];
    }),
  );
  return markdown([...head, 'longest pause, s', 'in order after, s', 'wrong'], lines);
}

/** A line per fault, a column per moment. */
export function matrix(rows: readonly Row[], mode: LiveMode): string {
  const moments = momentsOf(mode).map(nameOf);
  const faults = FAULTS.map(({ name }) => name).filter(name =>
    rows.some(row => row.mode === mode && row.fault === name),
  );
  const cell = (fault: string, moment: string) => {
    const row = rows.find(each => each.mode === mode && each.fault === fault && each.moment === moment);
    return row === undefined ? '' : short(row);
  };
  const lines = faults.map(fault => [fault, ...moments.map(moment => cell(fault, moment))]);
  return markdown(['fault, at', ...moments], lines);
}

function short({ end, anew, recoveredMs, wrong }: Row): string {
  if (end === 'missed') return '-';
  const where = end === 'stopped' ? 'off' : `${end[0]!.toUpperCase()}${anew ? '*' : ''}`;
  return `${where} ${seconds(recoveredMs)}${wrong.length > 0 ? ' **!**' : ''}`;
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1);

function markdown(head: readonly string[], lines: readonly (readonly (string | number)[])[]): string {
  return [head, head.map(() => '---'), ...lines].map(cells => `| ${cells.join(' | ')} |`).join('\n');
}

if (process.argv[1] === import.meta.filename) {
  const all = process.argv.slice(2).flatMap(file => (JSON.parse(readFileSync(file, 'utf8')) as { rows: Row[] }).rows);
  const rows = [...new Map(all.map(row => [`${row.mode}/${row.fault}/${row.moment}`, row])).values()];
  const modes = LIVE_MODES.filter(mode => rows.some(row => row.mode === mode));
  const matrices = modes.map(mode => `### ${mode}\n\n${matrix(rows, mode)}`);
  console.log([`${rows.length} trials.\n`, summary(rows), ...matrices].join('\n\n'));
}
