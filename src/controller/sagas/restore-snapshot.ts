/**
 * Puts an instance back to a snapshot: its configuration, its disk and, if wished, its memory and processes. One that
 * runs is stopped for it and started again. What it was until now is kept aside until the end, so that a restore that
 * fails at any step, also at the start, leaves the instance as it was (what ran is then started afresh).
 */
import { AppError } from '../../domain/errors.ts';
import type { InstanceRecord } from '../../domain/instance.ts';
import { commitDecided } from '../decide.ts';
import { bootIdOf } from '../instances/boot.ts';
import { refOf, specOf } from '../instances/expanded.ts';
import { findInstance, needInstance } from '../instances/instance-store.ts';
import { untilSeen } from '../instances/seen.ts';
import { saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import { INSTANCES } from '../spaces.ts';
import { COPY_TIMEOUT_MS } from './create-snapshot.ts';
import { type UpdateInput, updating } from './update-instance.ts';

export type RestoreSnapshotInput = UpdateInput & {
  /** UUID of the snapshot. */
  readonly snapshot: string;
  readonly stateful: boolean;
  /** UUID under which its host keeps what the instance was. */
  readonly replaced: string;
};

interface Given {
  readonly input: RestoreSnapshotInput;
}

interface Looked extends Given {
  /** It ran, under the lock, so it shall run again. */
  readonly look: boolean;
}

export const restoreSnapshot = saga<RestoreSnapshotInput>('restore-snapshot', 1)
  .harmless('read', updating.read)
  .harmless('look', look)
  .undoable('write', updating.write, updating.writeBack)
  .undoable('apply', updating.apply, updating.applyOld)
  .undoable('stop', stop, startAgain)
  .undoable('restore', restore, takeBack)
  .undoable('start', start, kill)
  .pivot('record', record)
  .forward('settle', updating.settle)
  .forward('drop', drop)
  .forward('seen', seen)
  .end();

async function look(context: StepContext, { input }: Given): Promise<boolean> {
  const { value } = needInstance(context.view, input);
  const { status } = await context.agents.of(value.node).getInstanceState(refOf(value, value.generation));
  return status?.state === 'running' || status?.state === 'frozen';
}

async function stop(context: StepContext, { input, look }: Looked): Promise<void> {
  if (look) await setState(context, needInstance(context.view, input).value, 'stopped', false);
}

async function startAgain(context: StepContext, { input, look }: Looked): Promise<void> {
  const record = findInstance(context.view, input)?.value;
  if (look && record !== undefined) await setState(context, record, 'running', false);
}

async function restore(context: StepContext, { input }: Given): Promise<void> {
  const { value } = needInstance(context.view, input);
  const { stateful, snapshot, replaced } = input;
  const request = { ref: { instance: refOf(value, value.generation), snapshot }, stateful, replaced };
  await context.agents.of(value.node).restoreSnapshot(request, { timeoutMs: COPY_TIMEOUT_MS });
}

/** What was not replaced need not be taken back. */
async function takeBack(context: StepContext, given: Given): Promise<void> {
  const record = findInstance(context.view, given.input)?.value;
  if (record === undefined) return;
  const ref = { instance: refOf(record, record.generation), snapshot: given.input.replaced };
  const stateful = record.stateful === true;
  try {
    await context.agents.of(record.node).restoreSnapshot({ ref, stateful }, { timeoutMs: COPY_TIMEOUT_MS });
  } catch (thrown) {
    if (AppError.from(thrown).code !== 'not-found') throw thrown;
  }
  await drop(context, given);
}

async function start(context: StepContext, { input, look }: Looked): Promise<void> {
  if (!look && !input.stateful) return;
  await setState(context, needInstance(context.view, input).value, 'running', input.stateful);
}

async function kill(context: StepContext, { input }: Given): Promise<void> {
  const record = findInstance(context.view, input)?.value;
  if (record !== undefined) await setState(context, record, 'stopped', false);
}

async function record(context: StepContext, { input, look }: Looked): Promise<void> {
  await commitDecided(context, () => {
    const stored = needInstance(context.view, input);
    const { stateful, ...value } = stored.value;
    const wanted = look || input.stateful ? 'running' : 'stopped';
    if (stateful !== true && value.wanted === wanted) return undefined;
    const config = { ...value.config, ...bootIdOf(context.view, value.node) };
    return INSTANCES.replace(stored, { ...value, config, wanted });
  });
}

async function drop(context: StepContext, { input }: Given): Promise<void> {
  const record = findInstance(context.view, input)?.value;
  if (record === undefined) return;
  const ref = { instance: refOf(record, record.generation), snapshot: input.replaced };
  await context.agents.of(record.node).ensureNoSnapshot(ref);
}

async function seen(context: StepContext, { input }: Given): Promise<void> {
  const record = findInstance(context.view, input)?.value;
  if (record !== undefined) await untilSeen(context, input.id, record.generation, record.wanted);
}

async function setState(
  context: StepContext,
  record: InstanceRecord,
  state: 'running' | 'stopped',
  stateful: boolean,
): Promise<void> {
  const spec = state === 'running' ? { spec: specOf(context.view, record) } : {};
  const ref = refOf(record, record.generation);
  const request = { ref, state, stateful, force: true, timeoutMs: -1n, ...spec };
  await context.agents.of(record.node).ensureState(request, { timeoutMs: COPY_TIMEOUT_MS });
}
