/** The end of an instance, in steps that only go forward: mark it, take it off its host, forget it. */
import { together } from '../../store/keyspace.ts';
import { commitDecided, commitInTurn } from '../decide.ts';
import { isLost } from '../saga/live-agents.ts';
import type { StepContext } from '../saga/step-context.ts';
import { BACKUPS, INSTANCES, SNAPSHOTS } from '../spaces.ts';
import { refOf } from './expanded.ts';
import { findInstance, type InstanceKey, removal } from './instance-store.ts';

/** From here on it is nobody's instance; who died half-way is carried on by the saga. */
export async function markDeleting(context: StepContext, key: InstanceKey): Promise<void> {
  await commitDecided(context, () => {
    const stored = findInstance(context.view, key);
    if (stored === undefined || stored.value.phase === 'deleting') return undefined;
    return INSTANCES.replace(stored, { ...stored.value, phase: 'deleting', wanted: 'stopped' });
  });
}

/** When its node is lost this is left to the sweep, which finds a thing without a record when the node is back. */
export async function destroy(context: StepContext, key: InstanceKey): Promise<void> {
  const record = findInstance(context.view, key)?.value;
  if (record === undefined || record.node === '') return;
  for (const { value } of context.view.list(BACKUPS, key.id))
    if (!isLost(context.view, value.node)) await context.agents.of(value.node).ensureNoBackup({ backup: value.id });
  await context.agents.of(record.node).ensureNoInstance({ ref: refOf(record, record.generation) });
}

/** Its snapshots went with it; they are forgotten first, some at a time: a transaction holds only so many. */
export async function forget(context: StepContext, key: InstanceKey): Promise<void> {
  await commitDecided(context, () => {
    const snapshots = context.view.list(SNAPSHOTS, key.id).slice(0, 50);
    return snapshots.length === 0 ? undefined : together(...snapshots.map(each => SNAPSHOTS.remove(each)));
  });
  await commitDecided(context, () => {
    const backups = context.view.list(BACKUPS, key.id).slice(0, 50);
    return backups.length === 0 ? undefined : together(...backups.map(each => BACKUPS.remove(each)));
  });
  await commitInTurn(context, () => {
    const stored = findInstance(context.view, key);
    return stored && removal(context.view, stored);
  });
}
