/**
 * Moments of a live move, seen from outside: the beginning of a step, in the operation's log in etcd, and the stages
 * that each end reaches between freeze and resume, as its scripts mark them in the move's folder.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrateLive } from '../../src/controller/sagas/migrate-live.ts';
import { SAGAS } from '../../src/controller/spaces.ts';
import type { LiveMode } from '../../src/domain/move-mode.ts';
import type { Witness } from './witness.ts';

export type Moment =
  | { readonly kind: 'step'; readonly step: string }
  | { readonly kind: 'stage'; readonly end: 'source' | 'target'; readonly stage: string };

const step = (name: string): Moment => ({ kind: 'step', step: name });
const stage = (end: 'source' | 'target', name: string): Moment => ({ kind: 'stage', end, stage: name });

/** What comes between the beginnings of two steps, by the first of them: both ends are at work at once. */
const STAGES: Readonly<Record<string, (mode: LiveMode) => readonly Moment[]>> = {
  'switch-over': mode => [
    ...['freeze', 'network-lock', 'verdict'].map(name => stage('source', name)),
    ...['restore', ...(mode === 'post-copy' ? ['pages'] : []), 'setup-namespaces', 'verdict'].map(name =>
      stage('target', name),
    ),
  ],
  resume: () => ['network-unlock', 'post-resume'].map(name => stage('target', name)),
  memory: mode => (mode === 'post-copy' ? [stage('target', 'pages-here')] : []),
};

/** In the order in which they come, roughly. */
export function momentsOf(mode: LiveMode): readonly Moment[] {
  return migrateLive.steps
    .filter(({ name }) => mode === 'post-copy' || name !== 'memory')
    .flatMap(({ name }) => [step(name), ...(STAGES[name]?.(mode) ?? [])]);
}

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
function stepBegun({ view }: Witness, name: string): () => boolean {
  const old = new Set(view.list(SAGAS).map(({ key }) => key));
  return () => view.list(SAGAS).some(({ key, value }) => !old.has(key) && value.log.some(event => event.step === name));
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
