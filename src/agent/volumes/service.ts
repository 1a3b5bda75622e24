/** Binds the verbs on custom volumes to the wire, and their streams to the data plane. */
import { fail } from '../../domain/errors.ts';
import type { AgentServer } from '../../rpc/agent-services.ts';
import { dial } from '../../rpc/data/dial.ts';
import type { VolumeCopy as CopyMessage, VolumeSnapshotRef } from '../../rpc/gen/berth/agent/v1/volumes_pb.ts';
import type { TlsIdentity } from '../../rpc/identity.ts';
import { parseBackup } from '../backups/backups.ts';
import type { DataPlane } from '../data-plane/listener.ts';
import type { Host } from '../host.ts';
import type { ImageStore } from '../image/image-store.ts';
import { progressOf } from '../progress.ts';
import { checkId } from '../spec.ts';
import { ensureVolumeBackup, unpackVolume } from './backup.ts';
import { acceptVolume, endReceive, sendVolume, VOLUME_STREAM } from './transfer.ts';
import { parseVolumeRef, placeOf } from './volume-ref.ts';
import {
  ensureNoVolume,
  ensureNoVolumeSnapshot,
  ensureVolume,
  ensureVolumeSnapshot,
  restoreVolume,
  type VolumeCopy,
  volumeUsage,
} from './volumes.ts';

interface Wires {
  readonly dataPlane: DataPlane;
  readonly identity: TlsIdentity;
  readonly store: ImageStore;
}

/** From the question for a token until its stream is opened. */
const TOKEN_TTL_MS = 60_000;

/** The part of the service that is about custom volumes. */
export function volumeService(host: Host, { dataPlane, identity, store }: Wires) {
  dataPlane.handle(VOLUME_STREAM, ({ channel, params }) => {
    const ref = { pool: params.pool ?? '', id: checkId(params.id ?? '') };
    return acceptVolume(host, { ref, id: checkId(params.transfer ?? '') }, params.unmapped === 'true', channel);
  });

  return {
    ensureVolume: request =>
      progressOf(async report => {
        const ref = parseVolumeRef(request.ref);
        const copy = parseCopy(request.copy);
        const { unmapped, backup } = request;
        const order = backup && parseBackup(backup, await store.uploadPath(backup.upload, 'meta'));
        const fill = order && (() => unpackVolume(host, ref, unmapped, order));
        await ensureVolume(host, { ref, sizeBytes: limit(request.sizeBytes), unmapped, copy, fill }, report);
      }),
    async ensureNoVolume(message) {
      await ensureNoVolume(host, parseVolumeRef(message));
      return {};
    },
    async getVolumeState(message) {
      return { usedBytes: BigInt(await volumeUsage(host, parseVolumeRef(message))) };
    },
    async ensureVolumeSnapshot(message) {
      const { ref, snapshot } = parseSnapshot(message);
      await ensureVolumeSnapshot(host, ref, snapshot);
      return {};
    },
    async ensureNoVolumeSnapshot(message) {
      const { ref, snapshot } = parseSnapshot(message);
      await ensureNoVolumeSnapshot(host, ref, snapshot);
      return {};
    },
    ensureVolumeBackup: request => progressOf(report => ensureVolumeBackup(host, request, report)),
    async restoreVolume(request) {
      const replaced = idOrNone(request.replaced);
      await restoreVolume(host, { ...parseSnapshot(request.ref), sizeBytes: limit(request.sizeBytes), replaced });
      return {};
    },

    async receiveVolume({ ref: message, transfer, unmapped }) {
      const ref = parseVolumeRef(message);
      const { driver, volume } = placeOf(host, ref);
      if (await driver.exists(volume)) return { token: '', address: '' }; // it came before
      const params = { ...ref, transfer: checkId(transfer), unmapped: String(unmapped) };
      return {
        token: dataPlane.issueToken(VOLUME_STREAM, params, TOKEN_TTL_MS),
        address: host.config.dataListen,
      };
    },
    sendVolume: request =>
      progressOf(async report => {
        const { to } = request;
        if (to === undefined) fail('invalid', 'to is missing');
        const order = {
          ref: parseVolumeRef(request.ref),
          id: checkId(request.transfer),
          snapshot: idOrNone(request.snapshot),
          snapshots: parsePairs(request.snapshots),
        };
        const channel = await dial({ address: to.address, identity, kind: VOLUME_STREAM, token: to.token });
        try {
          await sendVolume(host, order, request.unmapped, channel, report);
        } finally {
          await channel.close();
        }
      }),
    async endReceiveVolume(request) {
      const { keep, unmapped } = request;
      const transfer = { ref: parseVolumeRef(request.ref), id: checkId(request.transfer) };
      await endReceive(host, transfer, { keep, unmapped, sizeBytes: limit(request.sizeBytes) });
      return {};
    },
  } satisfies Partial<AgentServer>;
}

const limit = (bytes: bigint): number | undefined => (bytes === 0n ? undefined : Number(bytes));

const idOrNone = (id: string): string | undefined => (id === '' ? undefined : checkId(id));

function parseSnapshot(message: VolumeSnapshotRef | undefined) {
  if (message === undefined) fail('invalid', 'ref is missing');
  return { ref: parseVolumeRef(message.ref), snapshot: checkId(message.snapshot) };
}

function parseCopy(message: CopyMessage | undefined): VolumeCopy | undefined {
  if (message === undefined) return undefined;
  const { id, snapshot, snapshots } = message;
  return { id: checkId(id), snapshot: idOrNone(snapshot), snapshots: parsePairs(snapshots) };
}

function parsePairs(pairs: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const each of Object.entries(pairs).flat()) checkId(each);
  return { ...pairs };
}
