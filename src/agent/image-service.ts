/** Binds the verbs on images to the wire. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { fail } from '../domain/errors.ts';
import type { AgentServer } from '../rpc/agent-services.ts';
import type { DataToken, ImageInfoSchema, ImageSource } from '../rpc/gen/berth/agent/v1/agent_pb.ts';
import type { TlsIdentity } from '../rpc/identity.ts';
import { BACKUP_STREAM } from './backups/backup-file.ts';
import type { DataPlane } from './data-plane/listener.ts';
import type { Host } from './host.ts';
import { createFetchImage, type ImageSource as Source } from './image/fetch-image.ts';
import type { ImageInfo, Part } from './image/image-info.ts';
import type { ImageStore } from './image/image-store.ts';
import { DOWNLOAD_STREAM, UPLOAD_STREAM } from './image/image-streams.ts';
import { PROBE_STREAM } from './move/wire-probe.ts';
import { progressOf } from './progress.ts';

/** From the question for a token until its stream is opened. */
const TOKEN_TTL_MS = 60_000;

/** The part of the service that is about images. */
export function imageService(host: Host, store: ImageStore, dataPlane: DataPlane, identity: TlsIdentity) {
  const fetchImage = createFetchImage(store, identity);

  return {
    async issueDataToken({ kind, params }) {
      if (![UPLOAD_STREAM, DOWNLOAD_STREAM, PROBE_STREAM, BACKUP_STREAM].includes(kind))
        fail('invalid', `there are no tokens for "${kind}" streams`);
      return { token: dataPlane.issueToken(kind, params, TOKEN_TTL_MS), address: host.config.dataListen };
    },
    async finishUpload({ upload, expectedFingerprint, discard }) {
      if (!discard) return toMessage(await store.finishUpload(upload, expectedFingerprint || undefined));
      await store.discardUpload(upload);
      return {};
    },
    ensureImage: ({ fingerprint, sources }) =>
      progressOf(async report => {
        const onProgress = (bytes: number, totalBytes: number) =>
          report({ phase: 'download', bytes: BigInt(bytes), totalBytes: BigInt(totalBytes) });
        await fetchImage(fingerprint, sources.map(toSource), onProgress);
      }),
    async ensureNoImage({ fingerprint }) {
      for (const name of host.pools.names()) await host.pools.get(name).removeImage(fingerprint);
      await store.remove(fingerprint);
      return {};
    },
  } satisfies Partial<AgentServer>;
}

function toSource({ node, meta, rootfs }: ImageSource): Source {
  const part = (name: Part, token: DataToken | undefined) =>
    token === undefined ? [] : [{ part: name, address: token.address, token: token.token }];
  return { node, parts: [...part('meta', meta), ...part('rootfs', rootfs)] };
}

function toMessage({ fingerprint, sizeBytes, split, metadata }: ImageInfo): MessageInitShape<typeof ImageInfoSchema> {
  return {
    fingerprint,
    sizeBytes: BigInt(sizeBytes),
    architecture: metadata.architecture,
    createdAt: BigInt(metadata.createdAt),
    expiresAt: BigInt(metadata.expiresAt),
    properties: metadata.properties,
    split,
  };
}
