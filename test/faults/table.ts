/** Rows of trials as text: one line each, and a table of faults by moments. */
import type { Row } from './trial.ts';

export function asText({ fault, moment, end, lost, pauseMs, recoveredMs, wrong }: Row): string {
  const client = lost === null ? `pause ${Math.round(pauseMs)} ms` : `connection lost (${lost})`;
  const order = wrong.length === 0 ? `in order after ${recoveredMs} ms` : `WRONG: ${wrong.join('; ')}`;
  return `${fault}, at ${moment}: ${end === 'missed' ? 'nothing to strike' : `runs on ${end}, ${client}, ${order}`}`;
}

/** Markdown: a line per moment, a column per fault. */
export function table(rows: readonly Row[]): string {
  const faults = [...new Set(rows.map(({ fault }) => fault))];
  const moments = [...new Set(rows.map(({ moment }) => moment))];
  const cell = (moment: string, fault: string) => {
    const row = rows.find(each => each.moment === moment && each.fault === fault);
    return row === undefined ? '' : short(row);
  };
  return [
    `| at | ${faults.join(' | ')} |`,
    `|---|${faults.map(() => '---').join('|')}|`,
    ...moments.map(moment => `| ${moment} | ${faults.map(fault => cell(moment, fault)).join(' | ')} |`),
  ].join('\n');
}

function short({ end, lost, pauseMs, wrong }: Row): string {
  if (end === 'missed') return '-';
  const client = lost === null ? `${(pauseMs / 1000).toFixed(1)} s` : 'lost';
  return `${end}, ${client}${wrong.length > 0 ? ' **WRONG**' : ''}`;
}
