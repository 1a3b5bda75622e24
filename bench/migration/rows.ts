/** What the moves of one combination come to. */
import { median, quantile } from '../report.ts';
import type { Combination } from './bench.ts';
import type { Trial } from './trial.ts';

export interface MigrationRow {
  readonly image: string;
  readonly storage: string;
  readonly mode: string;
  readonly memoryMiB: number;
  /** MiB per second. */
  readonly writing: number;
  readonly moves: number;
  readonly failures: number;
  readonly pauseP50Ms: number;
  readonly pauseP99Ms: number;
  readonly insideP50Ms?: number;
  readonly totalP50Ms?: number;
  readonly predictedMs?: number;
  /** Of the moves, those whose pause was predicted within half and twice. */
  readonly within2x?: number;
  readonly bytesP50?: number;
  /** The mode that was asked for, where `mode` is what came of it. */
  readonly asked?: string;
  readonly phasesP50Ms?: Readonly<Record<string, number>>;
  readonly pausesMs: readonly number[];
}

export function rowOf(combination: Combination, { moves, failures }: Trial): MigrationRow {
  const { image, storage, mode, memoryMiB, writing } = combination;
  const head = { image, storage, memoryMiB, writing, failures: failures.length, asked: mode };
  if (moves.length === 0) return { ...head, mode, moves: 0, pauseP50Ms: NaN, pauseP99Ms: NaN, pausesMs: [] };
  const of = (value: (move: (typeof moves)[number]) => number) => median(moves.map(value));
  const pausesMs = moves.map(({ pauseMs }) => pauseMs);
  return {
    ...head,
    mode: [...new Set(moves.map(each => each.mode))].join('/'),
    moves: moves.length,
    pauseP50Ms: median(pausesMs),
    pauseP99Ms: quantile(pausesMs, 0.99),
    insideP50Ms: of(({ insideMs }) => insideMs),
    totalP50Ms: of(({ totalMs }) => totalMs),
    predictedMs: of(({ predictedPauseMs }) => predictedPauseMs),
    within2x: moves.filter(isWithin2x).length,
    bytesP50: of(({ bytes }) => bytes),
    phasesP50Ms: phasesOf(moves),
    pausesMs,
  };
}

const isWithin2x = ({ pauseMs, predictedPauseMs }: { readonly pauseMs: number; readonly predictedPauseMs: number }) =>
  predictedPauseMs >= pauseMs / 2 && predictedPauseMs <= pauseMs * 2;

export const phasesOf = (moves: Trial['moves']): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.keys(moves[0]!.phases).map(name => [name, median(moves.map(each => each.phases[name]!))]));

export function byHandRow(memoryMiB: number, pausesMs: readonly number[]): MigrationRow {
  return {
    image: 'busybox',
    storage: 'shared tmpfs',
    mode: 'by hand',
    memoryMiB,
    writing: 0,
    moves: pausesMs.length,
    failures: 0,
    pauseP50Ms: median(pausesMs),
    pauseP99Ms: quantile(pausesMs, 0.99),
    pausesMs,
  };
}

const HEADS =
  'image,storage,mode,MiB,writing,moves,failed,pause p50,p99,inside p50,total p50,predicted,within 2x'.split(',');

export function tableOf(rows: readonly MigrationRow[]): readonly (readonly string[])[] {
  const ms = (value: number | undefined) => (value === undefined ? '' : `${Math.round(value)} ms`);
  const lines = rows.map(row => [
    row.image,
    row.storage,
    row.mode,
    String(row.memoryMiB),
    row.writing === 0 ? 'idle' : `${row.writing} MiB/s`,
    String(row.moves),
    String(row.failures),
    ms(row.pauseP50Ms),
    ms(row.pauseP99Ms),
    ms(row.insideP50Ms),
    ms(row.totalP50Ms),
    ms(row.predictedMs),
    row.within2x === undefined ? '' : `${row.within2x} of ${row.moves}`,
  ]);
  return [HEADS, ...lines];
}
