/** Writes what LXC reads to run one instance: configuration, plug script, seccomp profile. Nothing runs yet afterwards. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../domain/instance.ts';
import { writeMountsFile } from './devices/bound.ts';
import { allowedDevices, boundOf } from './devices/kinds.ts';
import type { Host } from './host.ts';
import { lxcfsFiles } from './host-facts.ts';
import { type CgroupSetting, cgroupSettings, chooseCpus, cpuCount } from './limits.ts';
import { lxcConfig } from './lxc/config.ts';
import { haltSignalOf } from './lxc/init-type.ts';
import { loadModules } from './lxc/kernel-modules.ts';
import { seccompProfile } from './lxc/seccomp.ts';
import { writePlug } from './nic/nics.ts';
import { planNics } from './nic/plan.ts';
import { PLUG_FILES, settingsFile } from './nic/plug-files.ts';
import { isPrivileged, type Spec } from './spec.ts';
import type { IdMap } from './storage/id-map.ts';

export interface InstanceFiles {
  readonly folder: string;
  readonly config: string;
  readonly plug: string;
  readonly rootfs: string;
}

/** @param rootfs where its root is, or will be when it runs @param cpus those it is pinned to, see `pinCpus` */
export async function writeInstanceFiles(
  host: Host,
  spec: Spec,
  rootfs: string,
  cpus: readonly number[],
): Promise<InstanceFiles> {
  await loadModules(spec.config['linux.kernel_modules'] ?? '');
  const folder = await host.runtime.folder(spec.id);
  const files = { folder, config: join(folder, 'config'), plug: join(folder, PLUG_FILES.script), rootfs };
  const profile = seccompProfile(spec.config, isPrivileged(spec.config));
  const seccomp = profile === undefined ? undefined : join(folder, 'seccomp');
  const bound = await boundOf(host, spec);
  const text = lxcConfig(spec, {
    cgroupV2: host.cgroups.v2,
    cgroupPrefix: host.config.cgroupPrefix,
    idMap: host.config.idmap,
    rootfs,
    plug: files.plug,
    seccomp,
    haltSignal: await haltSignalOf(rootfs),
    lxcfs: lxcfsFiles(host.config.lxcfsDir),
    appArmor: host.facts.appArmor,
    settings: settingsOf(host, spec.config, cpus),
    bound,
    allowed: allowedDevices(host, spec),
  });
  await writePlug(folder, planNics(spec, host.config.bridge));
  await writeMountsFile(folder, bound);
  await writeFile(join(folder, PLUG_FILES.settings), settingsFile(spec.config));
  if (seccomp !== undefined) await writeFile(seccomp, profile!, { mode: 0o600 });
  await writeFile(files.config, text, { mode: 0o600 });
  return files;
}

/** Every limit of an instance as it must be written on this host. */
export function settingsOf(host: Host, config: Config, cpus: readonly number[]): readonly CgroupSetting[] {
  return cgroupSettings(config, { ...host.facts, cgroupV2: host.cgroups.v2, chosenCpus: cpus });
}

/** The CPUs for an instance; those it has are kept while their number still fits, so that it does not wander. */
export function pinCpus(host: Host, spec: Spec): readonly number[] {
  const count = cpuCount(spec.config);
  const mine = host.ledger.get(spec.id)?.cpus ?? [];
  if (mine.length > 0 && mine.length === count && mine.every(cpu => host.facts.cpus.includes(cpu))) return mine;
  const others = host.ledger.list().filter(entry => entry.spec.id !== spec.id && entry.wanted !== 'stopped');
  return chooseCpus(
    count,
    host.facts.cpus,
    others.map(entry => entry.cpus),
  );
}

export const idMapOf = (host: Host, spec: Spec): IdMap | undefined =>
  isPrivileged(spec.config) ? undefined : host.config.idmap;
