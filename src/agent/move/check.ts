/** The preflight of a move: asks the instance and both hosts everything there is to ask, and touches nothing. */
import { readFileSync } from 'node:fs';
import type { Host as HostMessage } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import { describeHost } from '../describe-host.ts';
import type { Host } from '../host.ts';
import { extraDisks } from '../lxc/mounts.ts';
import { planNics } from '../nic/plan.ts';
import type { Ref } from '../spec.ts';
import { instanceVolume } from '../storage/volume.ts';
import { lookInside } from './inside.ts';
import { type End, type Obstacle, obstaclesOf, verdictOf } from './obstacles.ts';

export interface MoveCheck {
  readonly verdict: 'live' | 'restart' | 'no';
  readonly obstacles: readonly Obstacle[];
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly processes: number;
}

/** @param target as it describes itself */
export async function checkMove(host: Host, ref: Ref, target: HostMessage): Promise<MoveCheck> {
  const { spec, pool } = host.ledger.expect(ref);
  const { state, pid } = host.runtime.look(ref.id);
  const inside = pid === 0 ? undefined : await lookInside(host.cgroups, ref.id, pid);
  const disks = extraDisks(spec.devices).map(([, options]) => options);
  const obstacles = obstaclesOf({
    from: endOf((await describeHost(host)) as HostMessage),
    to: endOf(target),
    inside,
    frozen: state === 'frozen',
    volumes: disks.filter(({ pool }) => pool !== undefined).map(({ source = '' }) => source),
    hostPaths: disks.filter(({ pool }) => pool === undefined).map(({ source = '' }) => source),
    nics: planNics(spec, host.config.bridge).map(({ name, addresses }) => ({
      name,
      addresses: addresses.map(({ address }) => asKernelSays(address)),
    })),
    roomBytes: availableBytes(),
  });
  return {
    // What is stopped does not have to be restarted: only its volume travels, and that always works.
    verdict: verdictOf(obstacles),
    obstacles,
    memoryBytes: inside?.memoryBytes ?? 0,
    diskBytes: await host.pools
      .get(pool)
      .usageBytes(instanceVolume(ref.id))
      .catch(() => 0),
    processes: inside?.processes.length ?? 0,
  };
}

function endOf(host: HostMessage): End {
  return {
    node: host.node,
    architecture: host.architecture,
    kernel: host.kernel,
    cgroupV2: host.cgroupV2,
    cpuFlags: host.cpuFlags,
    criu: host.criu ?? { works: false, reason: 'it was not tried' },
    idMap: `${host.idmapSize} ids from ${host.idmapBase}`,
    lxcfs: host.lxcfs,
  };
}

/** `fd00:0::5` and `fd00::5` are one address. */
const asKernelSays = (address: string): string =>
  address.includes(':') ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;

const availableBytes = (): number =>
  Number(/^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * 1024;
