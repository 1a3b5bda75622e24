/**
 * Makes what is wanted follow what is: an instance that was shut down from inside, or started behind our back, is as its
 * user wants it. What a reboot of its host stopped is left to `autostart`, and what an operation works on to that.
 */
import type { InstanceRecord, StatusRecord, Wanted } from '../../domain/instance.ts';
import { WANTED } from '../../domain/instance.ts';
import { LAST_BOOT } from '../instances/boot.ts';
import { lockKey } from '../saga/locks.ts';
import { INSTANCES, NODE_STATUS, STATUS } from '../spaces.ts';
import type { ReconcileContext, Reconciler } from './reconciler.ts';

export const settle: Reconciler = {
  name: 'settle',
  periodMs: 30_000,
  hints: [STATUS.prefix, 'locks/instance/'],
  run: async (context: ReconcileContext) => {
    const { store, view } = context;
    const settled: string[] = [];
    for (const stored of view.list(INSTANCES)) {
      const { value } = stored;
      if (value.phase !== 'ready') continue;
      const bootId = view.get(NODE_STATUS.key(value.node))?.value.bootId ?? '';
      const wanted = nextWanted(value, view.get(STATUS.key(value.id))?.value, bootId);
      const lock = lockKey(`instance/${value.project}/${value.name}`);
      if (wanted === undefined || view.get(lock) !== undefined) continue;
      const { guards, writes } = INSTANCES.replace(stored, { ...value, wanted });
      const result = await store.commit({ guards: [...guards, { key: lock, exists: false }], writes });
      if (result.kind === 'committed') settled.push(`${value.name} is wanted ${wanted}`);
    }
    return settled.join(', ');
  },
};

/** Pure. @returns undefined: it is right as it is, or nobody knows. */
function nextWanted(
  { node, generation, config, wanted, ephemeral }: InstanceRecord,
  status: StatusRecord | undefined,
  bootId: string,
): Wanted | undefined {
  if (status?.node !== node || status.generation !== generation) return undefined;
  const state = WANTED.find(each => each === status.state);
  if (state === undefined || state === wanted) return undefined;
  if (state === 'stopped' && (ephemeral || config[LAST_BOOT] !== bootId)) return undefined;
  return state;
}
