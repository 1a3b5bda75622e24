/** Snapshots on fake hosts: a word stands for what is on the disk, and a flag for memory and processes. */
import { fail } from '../../domain/errors.ts';
import type { AgentServer } from '../../rpc/agent-services.ts';
import type { CopyOf, FromBackup } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import type { FakeHost, FakeInstance } from './fake-host.ts';

export interface Saved {
  readonly content: string;
  readonly memory: boolean;
}

type SnapshotVerbs = Pick<AgentServer, 'ensureSnapshot' | 'ensureNoSnapshot' | 'restoreSnapshot'>;
type Expect = (ref: { id: string; generation: bigint } | undefined) => FakeInstance;

export function snapshotVerbs(host: FakeHost, expect: Expect): SnapshotVerbs {
  const change = (id: string, snapshots: ReadonlyMap<string, Saved>, more: Partial<FakeInstance> = {}) =>
    host.set(id, { snapshots, ...more });

  return {
    ensureSnapshot: async ({ ref, stateful }) => {
      const { content, state, snapshots } = expect(ref!.instance);
      const { snapshot, instance } = ref!;
      if (snapshots.has(snapshot)) return {};
      if (stateful && state !== 'running') fail('invalid', 'only a running instance has state to be saved');
      change(instance!.id, new Map([...snapshots, [snapshot, { content, memory: stateful }]]));
      return { pauseMs: 1 };
    },
    ensureNoSnapshot: async ({ instance, snapshot }) => {
      const { snapshots } = expect(instance);
      change(instance!.id, new Map([...snapshots].filter(([id]) => id !== snapshot)));
      return {};
    },
    restoreSnapshot: async ({ ref, stateful, replaced }) => {
      const { snapshot, instance } = ref!;
      const { content, memory, state, snapshots } = expect(instance);
      if (state !== 'stopped') fail('conflict', 'it runs');
      const saved = snapshots.get(snapshot) ?? fail('not-found', `no snapshot ${snapshot}`);
      if (stateful && !saved.memory) fail('invalid', 'the snapshot has no memory');
      if (snapshots.has(replaced)) return {};
      const kept = replaced === '' ? snapshots : new Map([...snapshots, [replaced, { content, memory }]]);
      change(instance!.id, kept, { content: saved.content, memory: stateful });
      return {};
    },
  };
}

/** What a copy begins with. */
export function copied(instances: ReadonlyMap<string, FakeInstance>, copy: CopyOf): Partial<FakeInstance> {
  const original = instances.get(copy.instance) ?? fail('not-found', 'the original is not here');
  const saved = (id: string) => original.snapshots.get(id) ?? fail('not-found', `no snapshot ${id}`);
  const along = Object.entries(copy.snapshots).map(([id, name]) => [name, { ...saved(id), memory: false }] as const);
  const { content } = copy.snapshot === '' ? original : saved(copy.snapshot);
  return { content, snapshots: new Map(along) };
}

/** What an instance from an archive begins with. */
export function fromBackup({ snapshots }: FromBackup): Partial<FakeInstance> {
  const along = Object.values(snapshots).map(id => [id, { content: 'from a backup', memory: false }] as const);
  return { content: 'from a backup', snapshots: new Map(along) };
}
