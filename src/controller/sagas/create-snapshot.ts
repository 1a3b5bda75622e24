/** A snapshot. Its name is claimed by a record of phase `creating` in the transaction that starts the saga. */
import { commitDecided } from '../decide.ts';
import { refOf } from '../instances/expanded.ts';
import { findInstance, type InstanceKey, needInstance } from '../instances/instance-store.ts';
import { findSnapshot } from '../instances/snapshot-store.ts';
import { saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import { SNAPSHOTS } from '../spaces.ts';

export type CreateSnapshotInput = InstanceKey & {
  /** UUID of the snapshot. */
  readonly snapshot: string;
  readonly stateful: boolean;
};

interface Given {
  readonly input: CreateSnapshotInput;
}

/** Copying a large disk, or writing a large memory; the agent gives up by itself before. */
export const COPY_TIMEOUT_MS = 3_600_000;

export const createSnapshot = saga<CreateSnapshotInput>('create-snapshot', 1)
  .undoable('claim', async () => {}, forget)
  .undoable('make', make, unmake)
  .pivot('publish', publish)
  .end();

async function make(context: StepContext, { input }: Given): Promise<void> {
  const { value } = needInstance(context.view, input);
  const ref = { instance: refOf(value, value.generation), snapshot: input.snapshot };
  const { stateful } = input;
  const options = { timeoutMs: COPY_TIMEOUT_MS };
  const made = await context.agents.of(value.node).ensureSnapshot({ ref, stateful }, options);
  context.progress({ 'berth.pause_ms': Math.round(made.pauseMs), 'berth.state_bytes': Number(made.stateBytes) });
}

async function unmake(context: StepContext, { input }: Given): Promise<void> {
  const record = findInstance(context.view, input)?.value;
  if (record === undefined) return;
  const { snapshot } = input;
  await context.agents.of(record.node).ensureNoSnapshot({ instance: refOf(record, record.generation), snapshot });
}

async function publish(context: StepContext, { input }: Given): Promise<void> {
  await commitDecided(context, () => {
    const stored = findSnapshot(context.view, input.id, input.snapshot);
    if (stored?.value.phase !== 'creating') return undefined;
    return SNAPSHOTS.replace(stored, { ...stored.value, phase: 'ready' });
  });
}

async function forget(context: StepContext, { input }: Given): Promise<void> {
  await commitDecided(context, () => {
    const stored = findSnapshot(context.view, input.id, input.snapshot);
    return stored && SNAPSHOTS.remove(stored);
  });
}
