/**
 * Moments of a live move, seen from outside: the beginning of a step, in the operation's log in etcd, and the stages
 * that each end reaches between freeze and resume, as its scripts mark them in the move's folder.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrateLive } from '../../src/controller/sagas/migrate-live.ts';
import { SAGAS } from '../../src/controller/spaces.ts';
import type { Witness } from './witness.ts';

export type Moment =
  | { readonly kind: 'step'; readonly step: string }
  | { readonly kind: 'stage'; readonly end: 'source' | 'target'; readonly stage: string };

/** In the order in which they come, roughly: both ends are at work at once. */
export const MOMENTS: readonly Moment[] = [
  ...migrateLive.steps.map(({ name }) => ({ kind: 'step', step: name }) as const),
  ...['freeze', 'network-lock', 'verdict'].map(stage => ({ kind: 'stage', end: 'source', stage }) as const),
  ...['restore', 'setup-namespaces', 'verdict', 'network-unlock', 'post-resume'].map(
    stage => ({ kind: 'stage', end: 'target', stage }) as const,
  ),
];

export const nameOf = (moment: Moment): string =>
  moment.kind === 'step' ? moment.step : `${moment.end}: ${moment.stage}`;

export interface Ends {
  readonly source: string;
  readonly target: string;
}

/** Resolves with true when it has come, with false when the move ended without it. To be called before the move begins. */
export async function untilMoment(witness: Witness, moment: Moment, ends: Ends, signal: AbortSignal): Promise<boolean> {
  const has = moment.kind === 'step' ? stepBegun(witness, moment.step) : stageReached(witness, moment, ends);
  while (!signal.aborted) {
    if (has()) return true;
    await sleep(1);
  }
  return has();
}

/** Of an operation that is not in the log yet. */
function stepBegun({ view }: Witness, step: string): () => boolean {
  const old = new Set(view.list(SAGAS).map(({ key }) => key));
  return () => view.list(SAGAS).some(({ key, value }) => !old.has(key) && value.log.some(event => event.step === step));
}

function stageReached(witness: Witness, { end, stage }: Extract<Moment, { kind: 'stage' }>, ends: Ends): () => boolean {
  const moves = join(witness.inside(ends[end]), 'moves');
  return () =>
    names(moves).some(folder => folder.endsWith(`.${end}`) && names(join(moves, folder)).includes(`at.${stage}`));
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
