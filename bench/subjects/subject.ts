/** What a benchmark asks the same things: Berth, and a real LXD beside it in the same run. */
import type { Client } from '../../src/cli/api/client.ts';
import { timeMs } from '../measure.ts';
import type { Row } from '../report.ts';

export interface Subject {
  readonly name: string;
  readonly socketPath: string;
  readonly api: Client;
  /** Debian's `lxc`, talking to it. */
  lxc(...words: readonly string[]): Promise<unknown>;
  /** Its own client. */
  cli(...words: readonly string[]): Promise<unknown>;
  /** Process ids by what they are called in the report. */
  readonly processes: Readonly<Record<string, readonly number[]>>;
  close(): Promise<void>;
}

/** Milliseconds of each run, by subject: taken in turns, so that what else the machine does hits all alike. */
export async function inTurns(
  subjects: readonly Subject[],
  times: number,
  work: (subject: Subject, index: number) => Promise<unknown>,
): Promise<Taken> {
  const taken: Record<string, number[]> = {};
  for (let index = 0; index < times; index++)
    for (const subject of subjects) {
      taken[subject.name] ??= [];
      taken[subject.name]!.push(await timeMs(() => work(subject, index)));
    }
  return taken;
}

export type Taken = Readonly<Record<string, readonly number[]>>;

/** Berth's values, and the others' beside them. */
export function row(what: string, unit: Row['unit'], taken: Taken, goal?: string): Row {
  const { Berth = [], ...peers } = taken;
  return { what, unit, values: Berth, peers, ...(goal === undefined ? {} : { goal }) };
}
