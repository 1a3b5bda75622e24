/** Binds the verbs of this agent to the wire: messages become plain data here, and plain data messages again. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { fail } from '../domain/errors.ts';
import { WANTED, type Wanted } from '../domain/instance.ts';
import type { AgentServer } from '../rpc/agent-services.ts';
import type { InstanceStatusSchema } from '../rpc/gen/berth/agent/v1/agent_pb.ts';
import { parseBackup } from './backups/backups.ts';
import { describeHost } from './describe-host.ts';
import { examine } from './examine.ts';
import { exec } from './exec/exec.ts';
import type { Host } from './host.ts';
import type { ImageStore } from './image/image-store.ts';
import { instanceState } from './instance-state.ts';
import { ensureConfig, ensureInstance, ensureNoInstance, ensureState } from './instances.ts';
import { notSeenYet, type Observer, type Status } from './observe.ts';
import { observationsOf, toMessage } from './observe-stream.ts';
import { progressOf } from './progress.ts';
import { parseCopy } from './snapshots/copy-root.ts';
import { parseRef, parseSpec, type Ref } from './spec.ts';
import type { Verb } from './verb.ts';
import { refuseWithVolumes } from './volumes/volumes.ts';

type InstanceStatus = MessageInitShape<typeof InstanceStatusSchema>;

/** The part of the service that is about the host and its instances. */
export function instanceService(host: Host, observer: Observer, verb: Verb, store: ImageStore) {
  const statusOf = (ref: Ref): Status =>
    observer.list().find(({ id }) => id === ref.id) ?? notSeenYet(ref.id, ref.generation, host.clock.now());

  return {
    getHost: async () => describeHost(host),
    examine: async () => ({ checks: await examine(host) }),
    observe: (request, { signal }) => observationsOf(host, observer, request.heartbeatMs, signal),

    async ensurePool({ name, driver, config }) {
      const { totalBytes, usedBytes } = await host.pools.ensure(name, driver, config);
      return { name, driver, totalBytes: BigInt(totalBytes), usedBytes: BigInt(usedBytes) };
    },
    async ensureNoPool({ name }) {
      const user = host.ledger.list().find(entry => entry.pool === name);
      if (user) fail('busy', `storage pool ${name} holds the root of instance ${user.spec.name}`);
      await refuseWithVolumes(host, name);
      await host.pools.remove(name);
      return {};
    },

    ensureInstance: request =>
      progressOf(async report => {
        const spec = parseSpec(request.spec);
        const copy = parseCopy(request.copy);
        const from = request.backup;
        const backup = from && parseBackup(from, await store.uploadPath(from.upload, 'meta'));
        await verb('ensureInstance', spec, () => ensureInstance(host, spec, report, copy, backup));
      }),
    async ensureNoInstance(request) {
      const ref = parseRef(request.ref);
      await verb('ensureNoInstance', ref, () => ensureNoInstance(host, ref));
      return {};
    },
    async ensureConfig(request) {
      const spec = parseSpec(request.spec);
      await verb('ensureConfig', spec, () => ensureConfig(host, spec));
      return {};
    },
    async ensureState(request): Promise<InstanceStatus> {
      const ref = parseRef(request.ref);
      const { force, stateful } = request;
      const wanted = parseWanted(request.state);
      const spec = request.spec && parseSpec(request.spec);
      const state = { wanted, force, stateful, timeoutMs: Number(request.timeoutMs), ...(spec && { spec }) };
      await verb('ensureState', ref, () => ensureState(host, ref, state), { wanted, force, stateful });
      return toMessage(statusOf(ref));
    },
    async getInstanceState(message) {
      const ref = parseRef(message);
      const entry = host.ledger.expect(ref);
      return { status: toMessage(statusOf(ref)), ...(await instanceState(host, entry)) };
    },
    async getLog(message) {
      return { text: await host.runtime.log(host.ledger.expect(parseRef(message)).spec.id) };
    },
    exec: (inputs, { signal }) => exec(host, inputs, signal),
  } satisfies Partial<AgentServer>;
}

function parseWanted(text: string): Wanted {
  return (
    WANTED.find(wanted => wanted === text) ?? fail('invalid', `state "${text}" is not one of ${WANTED.join(', ')}`)
  );
}
