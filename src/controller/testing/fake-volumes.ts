/** Custom volumes on fake hosts: the ids that are there, each with those of its snapshots. They do not move between hosts. */
import { fail } from '../../domain/errors.ts';
import type { AgentServer } from '../../rpc/agent-services.ts';
import type { Volumes } from '../../rpc/gen/berth/agent/v1/volumes_pb.ts';
import type { Server } from '../../rpc/shapes.ts';

type VolumeVerbs = Pick<AgentServer, keyof Server<typeof Volumes>>;

/** @param volumes of the host: snapshot ids by volume id */
export function volumeVerbs(volumes: Map<string, Set<string>>): VolumeVerbs {
  const expect = (id: string | undefined) =>
    volumes.get(id ?? '') ?? fail('not-found', `volume ${id} is not on this host`);
  const notHere = () => fail('unsupported', 'volumes of fake hosts do not move');
  return {
    ensureVolume: async function* ({ ref, copy }) {
      if (copy !== undefined) expect(copy.id);
      if (!volumes.has(ref!.id)) volumes.set(ref!.id, new Set(Object.values(copy?.snapshots ?? {})));
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
    restoreVolume: async ({ ref, replaced }) => {
      const snapshots = expect(ref?.ref?.id);
      if (!snapshots.has(ref!.snapshot)) fail('not-found', `no snapshot ${ref!.snapshot}`);
      if (replaced !== '') snapshots.add(replaced);
      return {};
    },
    receiveVolume: async () => notHere(),
    sendVolume: async function* () {
      yield* [];
      notHere();
    },
    endReceiveVolume: async () => notHere(),
  };
}
