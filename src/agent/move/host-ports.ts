/** The ports of a move on this agent's real parts. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../domain/errors.ts';
import { dial } from '../../rpc/data/dial.ts';
import type { TlsIdentity } from '../../rpc/identity.ts';
import { applyLimits } from '../apply-limits.ts';
import type { DataPlane } from '../data-plane/listener.ts';
import { endSessions } from '../exec/end-sessions.ts';
import type { Host } from '../host.ts';
import { idMapOf, pinCpus, writeInstanceFiles } from '../instance-files.ts';
import { filterCards } from '../nic/card-filter.ts';
import { attachPairs, removePairs } from '../nic/nics.ts';
import { planNics } from '../nic/plan.ts';
import { admit, quiesce } from '../nic/quiesce.ts';
import { rootDisk, type Spec } from '../spec.ts';
import { instanceVolume } from '../storage/volume.ts';
import { adoptCgroups } from './adopt-cgroups.ts';
import { memoryBytes } from './inside.ts';
import { keyParams } from './key.ts';
import { PAGES_STREAM } from './pages/pages-folder.ts';
import { startPager } from './pages/start-pager.ts';
import type { Containers, DataLink, MovePorts, Volumes } from './ports.ts';

/** Kind of the data plane's streams that moves use. */
export const MOVE_STREAM = 'move';

/** A token lives as long as the rounds before the freeze may take. */
const TOKEN_TTL_MS = 3_600_000;

export interface MoveParts {
  readonly dataPlane: DataPlane;
  readonly identity: TlsIdentity;
  /** Of CRIU. */
  readonly criu: string;
}

export function hostPorts(host: Host, { dataPlane, identity, criu }: MoveParts): MovePorts {
  const data: DataLink = {
    dial: ({ token, address }) => dial({ address, token, identity, kind: MOVE_STREAM }),
    issue: params => ({
      token: dataPlane.issueToken(MOVE_STREAM, params, TOKEN_TTL_MS),
      address: host.config.dataListen,
    }),
  };
  return {
    root: host.paths.moves,
    criu,
    clock: host.clock,
    containers: containersOf(host),
    volumes: volumesOf(host),
    states: host.states,
    data,
    learn: (...samples) => host.pace.add(...samples),
    pages: {
      issue: key => ({
        token: dataPlane.issueToken(PAGES_STREAM, keyParams(key), TOKEN_TTL_MS),
        address: host.config.dataListen,
      }),
      startPager: folder => startPager(folder, criu, identity),
    },
  };
}

export function containersOf(host: Host): Containers {
  const nicsOf = (spec: Spec) => planNics(spec, host.config.bridge);
  const bridgedOf = (spec: Spec) => nicsOf(spec).filter(({ kind }) => kind === 'bridged');
  return {
    lxcPath: host.paths.lxc,
    look: id => host.runtime.look(id),
    async direct(id) {
      const { v2, hierarchies } = host.cgroups;
      const cgroup = host.cgroups.payload('freezer', id);
      const [mountPoint] = hierarchies;
      if (!v2 || cgroup === undefined || mountPoint === undefined) return undefined;
      const config = await readFile(join(host.paths.lxc, id, 'config'), 'utf8');
      return { pid: host.runtime.look(id).pid, cgroup, mountPoint, config };
    },
    thaw: id => host.runtime.thaw(id),
    async endSessions(id) {
      await host.fileDoors.end(id);
      await endSessions(host.runtime.look(id).pid, () => host.cgroups.members(id), host.clock);
    },
    quiesce: id => quiesce(host.runtime.look(id).pid, host.clock),
    admit: id => admit(host.runtime.look(id).pid),
    memoryBytes: id => memoryBytes(host.cgroups, id),
    members: id => host.cgroups.members(id),
    kill: id => host.runtime.kill(id),
    nics: spec =>
      bridgedOf(spec).map(({ host: end, bridge, name, mac, addresses }) => ({
        host: end,
        bridge,
        name,
        mac,
        addresses: addresses.map(({ address }) => address),
      })),

    async prepare(spec, rootfs) {
      if (host.runtime.look(spec.id).pid !== 0) fail('conflict', `instance ${spec.id} runs on this host already`);
      await host.runtime.kill(spec.id); // cgroups left behind would have LXC choose other names
      const { plug } = await writeInstanceFiles(host, spec, rootfs, pinCpus(host, spec));
      await removePairs(nicsOf(spec)); // one left here would cost the restore the time to remove it
      return plug;
    },

    attach: spec => attachPairs(nicsOf(spec)),

    async settle(spec) {
      const cpus = pinCpus(host, spec);
      applyLimits(host, spec, cpus);
      const idMap = idMapOf(host, spec);
      if (idMap !== undefined) adoptCgroups(host.cgroups, spec.id, idMap);
      await writeInstanceFiles(host, spec, await volumesOf(host).activate(spec), cpus);
    },

    async clear(spec) {
      await host.runtime.remove(spec.id);
      await removePairs(nicsOf(spec));
      await filterCards([], nicsOf(spec));
    },
  };
}

function volumesOf(host: Host): Volumes {
  const driverOf = (spec: Spec) => {
    const pool = rootDisk(spec.devices)?.options.pool ?? fail('invalid', 'the root device has no pool');
    return host.pools.get(pool);
  };
  const orderOf = (transfer: string, spec: Spec) => ({
    id: transfer,
    volume: instanceVolume(spec.id),
    idMap: idMapOf(host, spec),
  });
  return {
    idMap: spec => idMapOf(host, spec),
    methods: spec => driverOf(spec).transferMethods(),
    snapshots: spec => driverOf(spec).listSnapshots(instanceVolume(spec.id)),
    sender: ({ transfer, spec }, method) => driverOf(spec).openSender({ ...orderOf(transfer, spec), method }),
    receiver: ({ transfer, spec }, method) => driverOf(spec).openReceiver({ ...orderOf(transfer, spec), method }),
    activate: spec => driverOf(spec).activate(instanceVolume(spec.id)),
  };
}
