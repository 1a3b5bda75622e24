/** Custom volumes on fake hosts: the ids that are there, each with those of its snapshots. What is sent is there at once. */
import { fail } from '../../domain/errors.ts';
import type { AgentServer } from '../../rpc/agent-services.ts';
import type { Volumes } from '../../rpc/gen/berth/agent/v1/volumes_pb.ts';
import type { Server } from '../../rpc/shapes.ts';

type VolumeVerbs = Pick<AgentServer, keyof Server<typeof Volumes>>;

interface Holder {
  readonly name: string;
  /** Snapshot ids by volume id. */
  readonly volumes: Map<string, Set<string>>;
  readonly backups: Set<string>;
  readonly uploads: ReadonlyMap<string, string>;
}

export function volumeVerbs(
  { name, volumes, backups, uploads }: Holder,
  all: ReadonlyMap<string, Holder>,
): VolumeVerbs {
  const expect = (id: string | undefined) =>
    volumes.get(id ?? '') ?? fail('not-found', `volume ${id} is not on this host`);
  return {
    ensureVolume: async function* ({ ref, copy, backup }) {
      if (copy !== undefined) expect(copy.id);
      if (backup !== undefined && !uploads.has(backup.upload)) fail('not-found', `no upload ${backup.upload}`);
      if (!volumes.has(ref!.id)) volumes.set(ref!.id, new Set(Object.values((copy ?? backup)?.snapshots ?? {})));
      yield { done: true };
    },
    ensureNoVolume: async ({ id }) => {
      volumes.delete(id);
      return {};
    },
    getVolumeState: async ({ id }) => {
      expect(id);
      return { usedBytes: 4096n };
    },
    ensureVolumeSnapshot: async ({ ref, snapshot }) => {
      expect(ref?.id).add(snapshot);
      return {};
    },
    ensureNoVolumeSnapshot: async ({ ref, snapshot }) => {
      volumes.get(ref?.id ?? '')?.delete(snapshot);
      return {};
    },
    ensureVolumeBackup: async function* ({ ref, backup }) {
      expect(ref?.id);
      backups.add(backup);
      yield { done: true };
    },
    restoreVolume: async ({ ref, replaced }) => {
      const snapshots = expect(ref?.ref?.id);
      if (!snapshots.has(ref!.snapshot)) fail('not-found', `no snapshot ${ref!.snapshot}`);
      if (replaced !== '') snapshots.add(replaced);
      return {};
    },
    receiveVolume: async ({ ref }) =>
      volumes.has(ref!.id) ? { token: '', address: '' } : { token: ref!.id, address: name },
    sendVolume: async function* ({ ref, to, snapshots }) {
      expect(ref?.id);
      all.get(to!.address)!.volumes.set(to!.token, new Set(Object.values(snapshots)));
      yield { done: true };
    },
    endReceiveVolume: async ({ ref, keep }) => {
      if (keep) expect(ref?.id);
      else volumes.delete(ref!.id);
      return {};
    },
  };
}
