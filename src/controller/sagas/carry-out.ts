/**
 * Does something with each of many instances, side by side, each by a saga of its own. What is to be done is read from the
 * view when its turn comes: a controller that goes on after a crash finds what is left, and what was begun.
 */
import { AppError, RETRYABLE } from '../../domain/errors.ts';
import type { InstanceRecord } from '../../domain/instance.ts';
import { expanded } from '../instances/expanded.ts';
import { findInstance } from '../instances/instance-store.ts';
import { isLocked, untilFree } from '../instances/until-free.ts';
import { decidePlacement } from '../placing.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import type { StepContext } from '../saga/step-context.ts';
import { INSTANCES } from '../spaces.ts';
import { startInstance, stopInstance } from './change-state.ts';
import { instanceBeginning } from './instance-beginning.ts';
import { migrateCold } from './migrate-cold.ts';
import { migrateLive } from './migrate-live.ts';
import { type MoveGate, openMoveGate } from './move-gate.ts';
import { nextWay, type Way } from './next-move.ts';
import { openTally, type Tally } from './tally.ts';

/** What shall become of an instance, and the node to which it shall return one day ('' = it is there). */
export type Task = { readonly origin: string } & (
  | { readonly kind: 'start' | 'stop' }
  | { readonly kind: 'move' /** '' = any host. */; readonly to: string; readonly way: Way }
);

/** Undefined: nothing is to be done with it, or it is done. */
export type TaskOf = (record: InstanceRecord) => Task | undefined;

/** Before something is tried again that may succeed if simply repeated. */
const PAUSE_MS = 500;

/** @returns why what was not done was not done. @throws AppError when it shall end; what was begun has ended then. */
export async function carryOut(context: StepContext, taskOf: TaskOf): Promise<readonly string[]> {
  const gate = openMoveGate(context);
  const tally = openTally(text => context.progress({ evacuation_progress: text })); // LXD's key
  const known = new Set<string>();
  const failures: string[] = [];
  const doOne = async (record: InstanceRecord): Promise<void> => {
    const failure = await untilDone({ context, gate, tally, taskOf }, record).finally(() => tally.done(record.name));
    if (failure !== undefined) failures.push(`${record.name}: ${failure}`);
  };
  try {
    for (;;) {
      const all = context.view.list(INSTANCES).map(({ value }) => value);
      const found = all.filter(record => !known.has(record.id) && taskOf(record) !== undefined);
      if (found.length === 0) return failures;
      for (const { id } of found) known.add(id);
      tally.add(found.length);
      const ends = await inOrder(context, found, taskOf, doOne);
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    }
  } finally {
    gate.close();
  }
}

/** Stops one after the other by `boot.stop.priority`, the highest first and equal ones together; everything else at once. */
async function inOrder(
  { view }: StepContext,
  found: readonly InstanceRecord[],
  taskOf: TaskOf,
  doOne: (record: InstanceRecord) => Promise<void>,
): Promise<readonly PromiseSettledResult<void>[]> {
  const stops = found.filter(record => taskOf(record)?.kind === 'stop');
  const priorityOf = (record: InstanceRecord) => Number(expanded(view, record).config['boot.stop.priority'] || 0);
  const waves = Map.groupBy(stops, priorityOf);
  const others = Promise.allSettled(found.filter(record => !stops.includes(record)).map(doOne));
  const ends: PromiseSettledResult<void>[] = [];
  for (const priority of [...waves.keys()].sort((a, b) => b - a))
    ends.push(...(await Promise.allSettled(waves.get(priority)!.map(doOne))));
  return [...ends, ...(await others)];
}

interface Parts {
  readonly context: StepContext;
  readonly gate: MoveGate;
  readonly tally: Tally;
  readonly taskOf: TaskOf;
}

/** @returns why it was not done. */
async function untilDone(parts: Parts, { project, name, id }: InstanceRecord): Promise<string | undefined> {
  const { context, tally } = parts;
  let tries = 0;
  let second: Way | undefined;
  for (;;) {
    context.signal.throwIfAborted();
    const record = findInstance(context.view, { project, name, id })?.value;
    const task = record && parts.taskOf(record);
    if (record === undefined || task === undefined) return undefined;
    try {
      if (isLocked(context, record)) {
        tally.doing(name, 'waiting for');
        await untilFree(context, record);
        continue;
      }
      if (record.phase !== 'ready') return `it is ${record.phase}, and nobody works on it`;
      const chosen = task.kind === 'move' && second !== undefined ? { ...task, way: second } : task;
      const end = await perform(parts, record, chosen, tries);
      if (end.state === 'succeeded') return undefined;
      tries += 1;
      second = chosen.kind === 'move' ? nextWay(chosen.way, tries, end.error!.code) : undefined;
      const now = findInstance(context.view, { project, name, id })?.value;
      if (second === undefined)
        return now !== undefined && parts.taskOf(now) !== undefined ? end.error!.message : undefined;
    } catch (thrown) {
      const error = AppError.from(thrown);
      if (error.code === 'unsupported') return error.message;
      if (context.signal.aborted || !RETRYABLE[error.code]) throw error;
      await context.clock.sleep(PAUSE_MS, context.signal);
    } finally {
      tally.idle(name);
    }
  }
}

/** @param tries a saga that was begun for the same try is found, not begun again. */
async function perform(
  { context, gate, tally }: Parts,
  record: InstanceRecord,
  task: Task,
  tries: number,
): Promise<SagaRecord> {
  const { project, name, id, node } = record;
  const { origin, kind } = task;
  if (kind !== 'move') {
    tally.doing(name, kind === 'start' ? 'starting' : 'stopping');
    const seconds = expanded(context.view, record).config['boot.host_shutdown_timeout'];
    const timeoutMs = seconds ? 1000 * Number(seconds) : -1;
    const change = { project, name, id, force: false, timeoutMs, origin };
    return kind === 'start'
      ? context.child(`start/${id}`, startInstance, change, instanceBeginning('Starting instance', record))
      : context.child(`stop/${id}`, stopInstance, change, instanceBeginning('Stopping instance', record));
  }
  const { to, way } = task;
  const avoid = await gate.enter(id, { from: node, to, fits: full => fits(context, record, way, full) });
  try {
    tally.doing(name, 'moving');
    const where = to === '' ? { avoid } : { target: { node: to } };
    const move = { project, name, id, origin, detach: true, ...where }; // nobody's session holds up a whole host
    const beginning = instanceBeginning('Migrating instance', record);
    return await context.child(`move/${id}/${tries}`, way.live ? migrateLive : migrateCold, move, beginning);
  } finally {
    gate.leave(id);
  }
}

/** Or it fits nowhere at all, and waiting would not help. */
function fits({ view, clock }: StepContext, record: InstanceRecord, { live }: Way, full: readonly string[]): boolean {
  const what = { ...record, ...expanded(view, record) };
  const liveFrom = live ? { liveFrom: record.node } : {};
  const somewhere = (except: readonly string[]) =>
    decidePlacement(view, what, clock.now(), { except: [record.node, ...except], ...liveFrom }).node !== '';
  return somewhere(full) || !somewhere([]);
}
