/** What this host tells its controllers about itself. */

import { readFileSync } from 'node:fs';
import { arch, cpus, release } from 'node:os';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HostSchema } from '../rpc/gen/berth/agent/v1/agent_pb.ts';
import { run } from './command.ts';
import type { Host } from './host.ts';
import { lxcfsFiles } from './host-facts.ts';
import { bootId } from './observe-stream.ts';
import { AGENT_VERSION } from './version.ts';

/** LXD's names. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64', ppc64: 'ppc64le' };

export async function describeHost(host: Host): Promise<MessageInitShape<typeof HostSchema>> {
  const { config, facts, cgroups } = host;
  const os = osRelease();
  return {
    node: config.name,
    bootId: bootId(),
    architecture: ARCHITECTURES[arch()] ?? arch(),
    kernel: release(),
    agentVersion: AGENT_VERSION,
    lxcVersion: await lxcVersion(),
    dataAddress: config.dataListen,
    cpus: facts.cpus.length,
    memoryBytes: BigInt(facts.memoryBytes),
    cgroupV2: cgroups.v2,
    pools: (await host.pools.usage()).map(pool => ({
      ...pool,
      totalBytes: BigInt(pool.totalBytes),
      usedBytes: BigInt(pool.usedBytes),
    })),
    networks: [...host.networks.names()],
    criu: await host.criu(),
    osName: os.NAME ?? '',
    osVersion: os.VERSION_ID ?? '',
    cpuModel: cpus()[0]?.model ?? '',
    cpuFlags: cpuFlags(),
    idmapBase: BigInt(config.idmap.base),
    idmapSize: BigInt(config.idmap.size),
    ...(await host.memoryModes()),
    pace: host.pace.pace(),
    lxcfs: Object.keys(lxcfsFiles(config.lxcfsDir)).length > 0,
  };
}

let version: string | undefined;
export async function lxcVersion(): Promise<string> {
  version ??= (await run('lxc-start', ['--version'], { allowFailure: true }).catch(() => undefined))?.stdout.trim();
  return version ?? '';
}

function osRelease(): Readonly<Record<string, string>> {
  const lines = readFileSync('/etc/os-release', 'utf8').split('\n');
  return Object.fromEntries(
    lines.flatMap(line => {
      const match = /^([A-Z_]+)="?([^"]*)"?$/.exec(line);
      return match ? [[match[1]!, match[2]!]] : [];
    }),
  );
}

function cpuFlags(): string[] {
  const line = readFileSync('/proc/cpuinfo', 'utf8').match(/^(?:flags|Features)\s*:\s*(.*)$/m);
  return line?.[1]?.split(' ') ?? [];
}
