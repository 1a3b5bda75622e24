/** One move with one fault in the middle of it, under a connected client; and what came of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../deploy/local-cluster/until.ts';
import type { Fault } from './faults.ts';
import { type Ends, type Moment, nameOf, untilMoment } from './moments.ts';
import type { Stage } from './stage.ts';
import type { Witness } from './witness.ts';

export interface Row {
  readonly fault: string;
  readonly moment: string;
  /** Where it runs in the end. `missed`: there was nothing to strike at that moment, or the moment did not come. */
  readonly end: 'source' | 'target' | 'stopped' | 'missed';
  /** Why the client lost its connection; null: it did not. */
  readonly lost: string | null;
  /** The client's longest round trip. */
  readonly pauseMs: number;
  /** From when the fault was over until all was as it should be. */
  readonly recoveredMs: number;
  /** What is still not as it should be. */
  readonly wrong: readonly string[];
}

export const RECOVERY_MS = 30_000;
/** A user who has no answer by then is told that it takes too long. */
const ANSWER_MS = 60_000;
/** Strikes come a little after their moment, by chance: between the marks there are moments as well. */
const JITTER_MS = 20;

/** @param chance from 0 to 1: when exactly. */
export async function tryFault(stage: Stage, fault: Fault, moment: Moment, chance: number): Promise<Row> {
  const { harness, witness, instance, address } = stage;
  const { cluster } = harness;
  const { id, node: source } = stage.record();
  const target = cluster.hosts.find(({ name }) => name !== source)!.name;
  const ends: Ends = { source, target };
  const client = await harness.echoClient(address);
  const answered = new AbortController();
  const seen = untilMoment(witness, moment, ends, answered.signal);
  const over = harness
    .berth(['move', instance, '--target', target], { allowFailure: true, timeoutMs: ANSWER_MS })
    .catch(() => {}) // what came of it is looked at, not what the client was told
    .finally(() => answered.abort());
  const came = await seen;
  if (came) await sleep(chance * JITTER_MS);
  const struck = came && (await fault.strike({ cluster, id, over, ...ends }));
  const healedAt = performance.now();
  await over;
  const wrong = await settled(witness);
  const recoveredMs = Math.round(performance.now() - healedAt);
  const { lost, longestMs, corrupted } = await client.stop();
  const { node, wanted } = stage.record();
  const place = node === source ? 'source' : 'target';
  const end = !struck ? 'missed' : wanted === 'stopped' ? 'stopped' : place;
  const broken = corrupted > 0 ? [`${corrupted} answers were not what was sent`] : [];
  return {
    fault: fault.name,
    moment: nameOf(moment),
    end,
    lost,
    pauseMs: longestMs,
    recoveredMs,
    wrong: [...wrong, ...broken],
  };
}

/** Waits until nothing is to be complained about. @returns what still is. */
async function settled(witness: Witness): Promise<readonly string[]> {
  const calm = () => (witness.differences().length === 0 ? true : undefined);
  return until('order', RECOVERY_MS, calm).then(
    () => [],
    () => witness.differences(),
  );
}
