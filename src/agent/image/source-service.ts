/** Binds to the wire: images of instances, and from image stores. */
import { fail } from '../../domain/errors.ts';
import type { AgentServer } from '../../rpc/agent-services.ts';
import type { Host } from '../host.ts';
import { progressOf } from '../progress.ts';
import { checkId, parseRef } from '../spec.ts';
import type { Verb } from '../verb.ts';
import type { ImageStore } from './image-store.ts';
import { publishInstance } from './publish/publish.ts';
import { downloadImage } from './stores/download.ts';
import { findStoreImage } from './stores/find.ts';
import { parseOffer, parseStore } from './stores/store.ts';

export function imageSourceService(host: Host, store: ImageStore, verb: Verb) {
  return {
    publishInstance: request =>
      progressOf(async report => {
        const ref = parseRef(request.ref);
        const order = {
          ...request,
          snapshot: request.snapshot === '' ? undefined : checkId(request.snapshot),
          createdAt: Number(request.createdAt),
          expiresAt: Number(request.expiresAt),
        };
        await verb('publishInstance', ref, () => publishInstance(host, store, ref, order, report));
      }),
    async findStoreImage({ store: from, name, architecture }) {
      const found = await findStoreImage(parseStore(from), name, architecture);
      const { sizeBytes, createdAt, expiresAt, isPublic, files, aliases, ...image } = found;
      return {
        ...image,
        sizeBytes: BigInt(sizeBytes),
        createdAt: BigInt(createdAt),
        expiresAt: BigInt(expiresAt),
        public: isPublic,
        aliases: [...aliases],
        files: files.map(file => ({ ...file, sizeBytes: BigInt(file.sizeBytes) })),
      };
    },
    async getImageMetadata({ fingerprint }) {
      const found = await store.find(fingerprint);
      if (found === undefined) fail('not-found', `image ${fingerprint} is not kept on this host`);
      return { json: JSON.stringify({ metadata: found.metadata, templates: found.templates }) };
    },
    downloadImage: ({ upload, store: from, image }) =>
      progressOf(report =>
        downloadImage(store, upload, parseStore(from), parseOffer(image), (bytes, total) =>
          report({ phase: 'download', bytes: BigInt(bytes), totalBytes: BigInt(total) }),
        ),
      ),
  } satisfies Partial<AgentServer>;
}
