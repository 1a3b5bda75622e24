/** Binds publishing to the wire. */
import type { AgentServer } from '../../../rpc/agent-services.ts';
import type { Host } from '../../host.ts';
import { progressOf } from '../../progress.ts';
import { checkId, parseRef } from '../../spec.ts';
import type { Verb } from '../../verb.ts';
import type { ImageStore } from '../image-store.ts';
import { publishInstance } from './publish.ts';

export function publishService(host: Host, store: ImageStore, verb: Verb) {
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
  } satisfies Partial<AgentServer>;
}
