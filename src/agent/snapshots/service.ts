/** Binds the verbs on snapshots to the wire. */
import { fail } from '../../domain/errors.ts';
import type { AgentServer } from '../../rpc/agent-services.ts';
import type { SnapshotRef } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import type { Host } from '../host.ts';
import { checkId, parseRef } from '../spec.ts';
import type { Verb } from '../verb.ts';
import { ensureNoSnapshot, ensureSnapshot, restoreSnapshot } from './snapshots.ts';

/** The part of the service that is about snapshots. */
export function snapshotService(host: Host, verb: Verb) {
  return {
    async ensureSnapshot(request) {
      const { ref, snapshot } = parse(request.ref);
      const { stateful } = request;
      const work = () => ensureSnapshot(host, ref, snapshot, stateful);
      const { pauseMs, bytes } = await verb('ensureSnapshot', ref, work, { snapshot, stateful });
      return { pauseMs, stateBytes: BigInt(bytes) };
    },
    async ensureNoSnapshot(request) {
      const { ref, snapshot } = parse(request);
      await verb('ensureNoSnapshot', ref, () => ensureNoSnapshot(host, ref, snapshot), { snapshot });
      return {};
    },
    async restoreSnapshot(request) {
      const { ref, snapshot } = parse(request.ref);
      const { stateful } = request;
      const replaced = request.replaced === '' ? undefined : checkId(request.replaced);
      const work = () => restoreSnapshot(host, ref, { snapshot, stateful, replaced });
      await verb('restoreSnapshot', ref, work, { snapshot, stateful });
      return {};
    },
  } satisfies Partial<AgentServer>;
}

function parse(message: SnapshotRef | undefined) {
  if (message === undefined) fail('invalid', 'ref is missing');
  return { ref: parseRef(message.instance), snapshot: checkId(message.snapshot) };
}
