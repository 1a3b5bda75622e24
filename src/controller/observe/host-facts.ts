/** The wire's host as plain data. */
import type { HostFacts, PoolFacts } from '../../domain/node.ts';
import type { Host, PoolUsage } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';

export function hostFacts(host: Host): HostFacts {
  return {
    architecture: host.architecture,
    kernel: host.kernel,
    agentVersion: host.agentVersion,
    lxcVersion: host.lxcVersion,
    dataAddress: host.dataAddress,
    cpus: host.cpus,
    memoryBytes: Number(host.memoryBytes),
    cgroupV2: host.cgroupV2,
    networks: [...host.networks],
    criu: {
      works: host.criu?.works ?? false,
      version: host.criu?.version ?? '',
      reason: host.criu?.reason ?? '',
    },
    osName: host.osName,
    osVersion: host.osVersion,
    cpuModel: host.cpuModel,
    cpuFlags: [...host.cpuFlags],
    idmapBase: Number(host.idmapBase),
    idmapSize: Number(host.idmapSize),
    lxcfs: host.lxcfs,
  };
}

export function poolFacts(pools: readonly PoolUsage[]): readonly PoolFacts[] {
  return pools.map(({ name, driver, totalBytes, usedBytes }) => ({
    name,
    driver,
    totalBytes: Number(totalBytes),
    usedBytes: Number(usedBytes),
  }));
}
