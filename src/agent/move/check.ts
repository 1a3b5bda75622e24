/** The preflight of a move: asks the instance and both hosts everything there is to ask, and touches nothing. */
import { readFileSync } from 'node:fs';
import type { LiveMode } from '../../domain/move-mode.ts';
import type { Host as HostMessage } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import { describeHost } from '../describe-host.ts';
import { devicesOf } from '../devices/kinds.ts';
import type { Host } from '../host.ts';
import { planNics } from '../nic/plan.ts';
import type { Ref } from '../spec.ts';
import { instanceVolume } from '../storage/volume.ts';
import { chooseMode, type End as MoveEnd } from './choose-mode.ts';
import { lookInside } from './inside.ts';
import { type End, type Obstacle, obstaclesOf, verdictOf } from './obstacles.ts';
import { FIRST_PACE, predict } from './pace.ts';

export interface MoveCheck {
  readonly verdict: 'live' | 'restart' | 'no';
  readonly obstacles: readonly Obstacle[];
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly processes: number;
  /** '' = it does not run, or cannot move as it was asked for. */
  readonly mode: LiveMode | '';
  readonly why: string;
  readonly predictedPauseMs: number;
  readonly predictedTotalMs: number;
}

export interface Wish {
  /** '' = auto. */
  readonly mode: string;
  /** Exec sessions may be ended. */
  readonly detach: boolean;
  /** Bytes per ms to the target, where they were measured just now. */
  readonly wireRate: number | undefined;
}

/** @param target as it describes itself @param wish what its user asked for */
export async function checkMove(host: Host, ref: Ref, target: HostMessage, wish: Wish): Promise<MoveCheck> {
  const { spec, pool } = host.ledger.expect(ref);
  const { state, pid } = host.runtime.look(ref.id);
  const inside = pid === 0 ? undefined : await lookInside(host.cgroups, ref.id, pid);
  const disks = devicesOf(spec)
    .filter(({ options }) => options.type === 'disk')
    .map(({ options }) => options);
  const source = (await describeHost(host)) as HostMessage;
  const found = obstaclesOf({
    from: endOf(source),
    to: endOf(target),
    inside,
    frozen: state === 'frozen',
    detach: wish.detach,
    volumes: disks.filter(({ pool }) => pool !== undefined).map(({ source = '' }) => source),
    hostPaths: disks.filter(({ pool }) => pool === undefined).map(({ source = '' }) => source),
    nics: planNics(spec, host.config.bridge).map(({ name, kind, addresses }) => ({
      name,
      kind,
      addresses: addresses.map(({ address }) => asKernelSays(address)),
    })),
    roomBytes: availableBytes(),
  });
  const diskBytes = await host.pools
    .get(pool)
    .usageBytes(instanceVolume(ref.id))
    .catch(() => 0);
  const load = { memoryBytes: inside?.memoryBytes ?? 0, processes: inside?.processes.length ?? 0, diskBytes };
  const [from, to] = [withWire(moveEnd(source), wish.wireRate), moveEnd(target)];
  const choice = inside === undefined ? NOT_LIVE : chooseMode(wish.mode, load, from, to);
  const refused = inside !== undefined && choice.mode === undefined ? [notLike(choice.why)] : [];
  const obstacles = [...found, ...refused];
  const { pauseMs, totalMs } = predict(choice.mode ?? 'stop-and-copy', load, from.pace, to.pace);
  return {
    ...load,
    // What is stopped does not have to be restarted: only its volume travels, and that always works.
    verdict: verdictOf(obstacles),
    obstacles,
    mode: choice.mode ?? '',
    why: choice.why,
    predictedPauseMs: choice.mode === undefined ? 0 : pauseMs,
    predictedTotalMs: choice.mode === undefined ? 0 : totalMs,
  };
}

const NOT_LIVE = { mode: undefined, why: 'it does not run' } as const;

const notLike = (why: string): Obstacle => ({
  what: `it cannot move by ${why}`,
  advice: 'leave the choice to the hosts (--mode auto), or move it with a restart (--mode restart)',
  severity: 'restart',
});

function moveEnd({ node, noPostCopy, noPreCopy, pace }: HostMessage): MoveEnd {
  return { node, modes: { noPostCopy, noPreCopy }, pace: pace ?? FIRST_PACE };
}

/** What was learnt is of all targets together; a wire that is slower than that is what counts. */
const withWire = (end: MoveEnd, rate: number | undefined): MoveEnd =>
  rate === undefined ? end : { ...end, pace: { ...end.pace, sendRate: Math.min(end.pace.sendRate, rate) } };

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
