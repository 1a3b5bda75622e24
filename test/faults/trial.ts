/** One move with one fault in the middle of it, under a connected client; what came of it; and a second move after it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../deploy/local-cluster/until.ts';
import type { SagaRecord } from '../../src/controller/saga/saga-record.ts';
import { SAGAS } from '../../src/controller/spaces.ts';
import type { LiveMode } from '../../src/domain/move-mode.ts';
import type { EchoResult } from '../e2e/harness.ts';
import type { Fault } from './faults.ts';
import { type Ends, type Moment, nameOf, untilMoment } from './moments.ts';
import type { Stage } from './stage.ts';
import type { Witness } from './witness.ts';

export interface Row {
  readonly mode: LiveMode;
  readonly fault: string;
  readonly moment: string;
  /** Where it runs in the end. `missed`: there was nothing to strike at that moment, or the moment did not come. */
  readonly end: 'source' | 'target' | 'stopped' | 'missed';
  /** What the operation says of it; '' = it succeeded. */
  readonly said: string;
  /** Is it what ran before, or was it started anew? */
  readonly anew: boolean;
  /** Why the client lost its connection; null: it did not. */
  readonly lost: string | null;
  /** The client's longest round trip. */
  readonly pauseMs: number;
  /** From when the fault was over until all was as it should be. */
  readonly recoveredMs: number;
  /** What is not as it should be. */
  readonly wrong: readonly string[];
}

export const RECOVERY_MS = 30_000;
/** A user who has no answer by then is told that it takes too long. */
const ANSWER_MS = 90_000;
/** Strikes come a little after their moment, by chance: between the marks there are moments as well. */
const JITTER_MS = 20;

/** Within it the client's last wait for answers is enough. */
const QUICK_MS = 4000;
const LONGEST_BACKOFF_MS = 30_000;

/** @param chance from 0 to 1: when exactly */
export async function tryFault(
  stage: Stage,
  fault: Fault,
  moment: Moment,
  mode: LiveMode,
  chance: number,
): Promise<Row> {
  const { harness, witness, instance, address } = stage;
  const { cluster } = harness;
  const { id, node: source } = stage.record();
  const target = cluster.hosts.find(({ name }) => name !== source)!.name;
  const ends: Ends = { source, target };
  const sumBefore = stage.sum;
  const old = new Set(witness.view.list(SAGAS).map(({ key }) => key));
  const operation = (): SagaRecord | undefined =>
    witness.view.list(SAGAS).find(({ key, value }) => !old.has(key) && value.saga === 'migrate-live')?.value;
  const move = (to: string) =>
    harness.berth(['move', instance, '--target', to, '--mode', mode], { allowFailure: true, timeoutMs: ANSWER_MS });

  const client = await harness.echoClient(address);
  const answered = new AbortController();
  const seen = untilMoment(witness, moment, ends, answered.signal);
  const over = move(target)
    .catch(() => {}) // what came of it is looked at, not what the client was told
    .finally(() => answered.abort());
  const came = await seen;
  if (came) await sleep(chance * JITTER_MS);
  const struckAt = performance.now();
  const standingMs = () => (came ? performance.now() - struckAt : 0);
  const struck = came && (await fault.strike({ cluster, id, over, ...ends }));
  const healedAt = performance.now();
  await over;
  const unsettled = await settled(witness);
  const recoveredMs = Math.round(performance.now() - healedAt);

  const { node, wanted } = stage.record();
  const place = node === source ? 'source' : 'target';
  const said = operation()?.error?.message ?? String(operation()?.metadata?.['berth.started_anew'] ?? '');
  const stopped = wanted === 'stopped';
  // TCP waits about as long as it has waited before it tries again.
  if (standingMs() > QUICK_MS) await sleep(Math.min(standingMs(), LONGEST_BACKOFF_MS));
  const result = await client.stop();
  const anew = stopped || unsettled.length > 0 || (await stage.askSum()) !== sumBefore;
  const untruths = unsettled.length > 0 || !struck ? [] : await lies(stage);
  const again = unsettled.length > 0 || stopped || !struck ? undefined : await move(node === source ? target : source);
  const broken = whatBroke(result);
  const dead = anew || (struck ? broken : result.lost) !== null;
  return {
    mode,
    fault: fault.name,
    moment: nameOf(moment),
    end: !struck ? 'missed' : stopped ? 'stopped' : place,
    said,
    anew,
    lost: broken,
    pauseMs: result.longestMs,
    recoveredMs,
    wrong: [
      ...unsettled,
      ...untruths,
      ...(result.corrupted > 0 ? [`${result.corrupted} answers were not what was sent`] : []),
      ...(dead && (!struck || fault.price === undefined) ? ['it should have gone on'] : []),
      ...(dead && struck && !stopped && said === '' ? ['the operation does not say that it was lost'] : []),
      ...(again === undefined || again.code === 0 ? [] : [`it cannot be moved again: ${again.stderr.trim()}`]),
    ],
  };
}

function whatBroke({ lost, sent, answered }: EchoResult): string | null {
  return lost ?? (answered < sent ? `${sent - answered} messages were not answered` : null);
}

/** What the API says against what is in etcd. */
async function lies({ harness, record, instance }: Stage): Promise<readonly string[]> {
  const { node, wanted } = record();
  const state = wanted === 'running' ? 'Running' : 'Stopped';
  const told = async () => {
    const [listed] = await harness.berthJson<{ status: string; location: string }[]>('list', instance);
    return listed?.status === state && listed.location === node;
  };
  return until('the truth', 5000, async () => ((await told()) ? true : undefined)).then(
    () => [],
    () => [`the API does not say that it is ${state} on ${node}`],
  );
}

/** Waits until nothing is to be complained about. @returns what still is. */
async function settled(witness: Witness): Promise<readonly string[]> {
  const calm = () => (witness.differences().length === 0 ? true : undefined);
  return until('order', RECOVERY_MS, calm).then(
    () => [],
    () => witness.differences(),
  );
}
