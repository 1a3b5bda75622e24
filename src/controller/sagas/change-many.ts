/**
 * Starts, stops, … many instances, each by a saga of its own, some side by side. What failed is told by name; what was done
 * stays done.
 */
import { AppError, fail } from '../../domain/errors.ts';
import type { Seen } from '../../domain/instance.ts';
import { findInstance, type InstanceKey } from '../instances/instance-store.ts';
import { mustBeReachable, seenState } from '../instances/state.ts';
import { type Saga, saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import { instanceBeginning } from './instance-beginning.ts';
import { type PowerChange, powerOrder } from './power.ts';

export type ChangeManyInput = { readonly change: PowerChange; readonly instances: readonly InstanceKey[] };

interface Given {
  readonly input: ChangeManyInput;
}

interface Done extends Given {
  /** Why what was not done was not done. */
  readonly all: readonly string[];
}

export const changeMany = saga<ChangeManyInput>('change-many', 1).harmless('all', all).pivot('tell', tell).end();

/** More than this at once only wait on their hosts. */
const AT_ONCE = 16;

/** Which are not yet what `change` makes of them; those that nobody sees are told that their host is away. Pure. */
export function isMeant({ action }: PowerChange, state: Seen): boolean {
  if (state === 'unknown') return true;
  const runs = state === 'running' || state === 'frozen';
  switch (action) {
    case 'start':
      return state !== 'running';
    case 'unfreeze':
      return state === 'frozen';
    case 'freeze':
      return state === 'running';
    default:
      return runs;
  }
}

async function all(context: StepContext, { input }: Given): Promise<readonly string[]> {
  const waiting = [...input.instances];
  const failures: string[] = [];
  const worker = async (): Promise<void> => {
    for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) {
      context.signal.throwIfAborted();
      const failure = await one(context, input.change, key);
      if (failure !== undefined) failures.push(`${key.name}: ${failure}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return failures.sort();
}

/** @returns why not. A step that is run again finds what it began. */
async function one(context: StepContext, change: PowerChange, key: InstanceKey): Promise<string | undefined> {
  const record = findInstance(context.view, key)?.value;
  const state = record && seenState(context.view, record);
  if (record === undefined || state === undefined || !isMeant(change, state)) return undefined;
  try {
    mustBeReachable(context.view, record);
    const { saga, input, description } = powerOrder(record, state, change);
    const end = await context.child(key.id, saga as Saga, input, instanceBeginning(description, record));
    return end.state === 'succeeded' ? undefined : (end.error?.message ?? `it is ${end.state}`);
  } catch (thrown) {
    if (context.signal.aborted) throw thrown;
    return AppError.from(thrown).message;
  }
}

async function tell(_: StepContext, { all }: Done): Promise<void> {
  if (all.length > 0) fail('unsupported', `Some instances were not changed: ${all.join('; ')}`);
}
