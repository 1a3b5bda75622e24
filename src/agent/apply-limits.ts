/** Writes an instance's limits to its running cgroups: when its configuration changed, and after a restore. */
import { AppError } from '../domain/errors.ts';
import { formatBytes } from '../domain/size.ts';
import { readCgroup, writeCgroup } from './cgroups.ts';
import type { Host } from './host.ts';
import { settingsOf } from './instance-files.ts';
import type { CgroupSetting } from './limits.ts';
import type { Spec } from './spec.ts';

/** All of them, so that lifted limits are lifted too. @throws AppError `conflict` if the kernel refuses one */
export function applyLimits(host: Host, spec: Spec, cpus: readonly number[]): void {
  for (const setting of settingsOf(host, spec.config, cpus)) write(host, spec.id, setting);
}

function write(host: Host, id: string, { controller, file, value, unlimited }: CgroupSetting): void {
  const folder = host.cgroups.payload(controller, id);
  if (folder === undefined || (unlimited && readCgroup(folder, file) === undefined)) return;
  try {
    writeCgroup(folder, file, value);
  } catch (cause) {
    const used = Number(readCgroup(folder, host.cgroups.v2 ? 'memory.current' : 'memory.usage_in_bytes'));
    const why = file.startsWith('memory.') && used > Number(value) ? `: it uses ${formatBytes(used)} now` : '';
    throw new AppError('conflict', `the kernel refuses ${file} = ${value}${why}`, cause);
  }
}
