/**
 * Moves an instance that does not run, or that may be stopped for it. It is started again where it is allowed to live
 * then: on the target after the switch, on the source when the move is taken back.
 */
import { refOf, specOf } from '../instances/expanded.ts';
import { findInstance, needInstance } from '../instances/instance-store.ts';
import { drain } from '../instances/progress.ts';
import { saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import {
  abortSource,
  abortTarget,
  cleanSource,
  commitSource,
  type MoveInput,
  type Moving,
  moveRef,
  prepare,
  reserve,
  resume,
  seen,
  switchOwner,
  unreserve,
} from './move-steps.ts';

interface Looked extends Moving {
  /** It ran, under the lock, so it shall run again. */
  readonly look: boolean;
}

export const migrateCold = saga<MoveInput>('migrate-cold', 1)
  .undoable('reserve', reserve(false), unreserve)
  .harmless('look', look)
  .undoable('prepare', async (context, moving) => void (await prepare(context, moving, 'cold')), abortTarget)
  .undoable('sync', (context, looked) => (looked.look ? sync(context, looked, false) : Promise.resolve()), abortSource)
  .undoable('stop', stop, startAgain)
  .undoable('last-sync', (context, moving) => sync(context, moving, true), abortSource)
  .pivot('switch', switchOwner)
  .forward('resume', async (context, moving) => void (await resume(context, moving)))
  .forward('start', start)
  .forward('commit', commitSource)
  .forward('clean', cleanSource)
  .forward('seen', seen)
  .end();

/** How long it may take to shut down by itself; then it is killed, for the move was asked for. */
const SHUTDOWN_MS = 30_000;

async function look(context: StepContext, { input, reserve }: Moving): Promise<boolean> {
  const { value } = needInstance(context.view, input);
  const { status } = await context.agents.of(reserve.from).getInstanceState(refOf(value, value.generation));
  return status?.state === 'running' || status?.state === 'frozen';
}

async function sync(context: StepContext, moving: Moving, final: boolean): Promise<void> {
  const target = await prepare(context, moving, 'cold');
  const ref = moveRef(context, moving.input, moving.reserve, 'source');
  const source = context.agents.of(moving.reserve.from);
  const bytes = await drain(context, 'fs_progress', source.syncMove({ ref, target, round: final ? 1 : 0, final }));
  context.log('volume round', { final, bytes });
}

async function stop(context: StepContext, { input, reserve, look }: Looked): Promise<void> {
  if (!look) return;
  const { value } = needInstance(context.view, input);
  const ref = refOf(value, value.generation);
  const source = context.agents.of(reserve.from);
  try {
    const timeoutMs = BigInt(SHUTDOWN_MS);
    await source.ensureState({ ref, state: 'stopped', timeoutMs }, { timeoutMs: 2 * SHUTDOWN_MS });
  } catch (error) {
    context.log('did not shut down by itself', { error });
    await source.ensureState({ ref, state: 'stopped', force: true });
  }
}

async function startAgain(context: StepContext, { input, reserve, look }: Looked): Promise<void> {
  const record = findInstance(context.view, input)?.value;
  if (!look || record === undefined) return;
  const ref = refOf(record, record.generation);
  await context.agents.of(reserve.from).ensureState({ ref, state: 'running', spec: specOf(context.view, record) });
}

async function start(context: StepContext, { input, reserve, look }: Looked): Promise<void> {
  if (!look) return;
  const { value } = needInstance(context.view, input);
  const ref = refOf(value, reserve.generation);
  await context.agents.of(reserve.to).ensureState({ ref, state: 'running', spec: specOf(context.view, value) });
}
