/** `berth doctor` for one host: each check in words a person can act on. Nothing is changed. */
import { existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { release } from 'node:os';
import { AppError } from '../domain/errors.ts';
import { formatBytes } from '../domain/size.ts';
import { run } from './command.ts';
import { lxcVersion } from './describe-host.ts';
import type { Host } from './host.ts';
import { lxcfsFiles } from './host-facts.ts';

export interface Check {
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  /** What to do; '' when all is well. */
  readonly advice: string;
}

type Finding = Omit<Check, 'name'>;

const ok = (detail: string): Finding => ({ status: 'ok', detail, advice: '' });
const warn = (detail: string, advice: string): Finding => ({ status: 'warn', detail, advice });
const bad = (detail: string, advice: string): Finding => ({ status: 'fail', detail, advice });

const CHECKS: Readonly<Record<string, (host: Host) => Finding | Promise<Finding>>> = {
  kernel: () => ok(release()),
  cgroups: ({ cgroups }) => {
    const lacking = ['cpu', 'cpuset', 'memory', 'pids'].filter(name => !cgroups.controllers.includes(name));
    if (lacking.length > 0) {
      return bad(`no controller for ${lacking.join(', ')}`, 'mount cgroup2 on /sys/fs/cgroup, or the v1 controllers');
    }
    return ok(cgroups.v2 ? 'v2' : 'v1 (hybrid)');
  },
  lxc: async () => {
    const version = await lxcVersion();
    return version === '' ? bad('not installed', 'apt install lxc') : ok(version);
  },
  criu: async host => {
    const { works, version, reason } = await host.criu();
    return works
      ? ok(`${version}: a trial dump and restore worked`)
      : warn(reason, 'containers cannot move while they run; run deploy/setup.sh, which finds a CRIU for this kernel');
  },
  lxcfs: ({ config }) =>
    Object.keys(lxcfsFiles(config.lxcfsDir)).length > 0
      ? ok(config.lxcfsDir)
      : warn(`nothing at ${config.lxcfsDir}`, 'start lxcfs: without it containers see the memory and CPUs of the host'),
  'id ranges': ({ config }) => {
    const lacking = ['/etc/subuid', '/etc/subgid'].filter(file => !hasRange(file, config.idmap));
    const { base, size } = config.idmap;
    return lacking.length === 0
      ? ok(`${size} ids from ${base}`)
      : bad(`root does not own ${size} ids from ${base}`, `add "root:${base}:${size}" to ${lacking.join(' and ')}`);
  },
  networks: ({ networks, config }) => {
    const wanted = [...new Set([config.bridge, ...networks.names()])];
    const missing = wanted.filter(name => !existsSync(`/sys/class/net/${name}/bridge`));
    return missing.length === 0
      ? ok(wanted.join(', '))
      : bad(
          `no bridge ${missing.join(', ')}`,
          `make it (ip link add ${missing[0]} type bridge), or "berth network create"`,
        );
  },
  pools: async ({ pools }) => {
    if (pools.names().length === 0) return warn('none', 'berth storage create NAME DRIVER');
    for (const name of pools.names()) {
      try {
        pools.get(name);
      } catch (thrown) {
        return bad(`${name}: ${AppError.from(thrown).message}`, 'mount or repair it, then restart the agent');
      }
    }
    const all = await pools.usage();
    const text = all
      .map(each => `${each.name} (${each.driver}): ${freeText(each.totalBytes, each.usedBytes)}`)
      .join('; ');
    const full = all.find(({ totalBytes, usedBytes }) => usedBytes > totalBytes * 0.9);
    return full ? warn(text, `pool ${full.name} is nearly full: delete images or instances, or enlarge it`) : ok(text);
  },
  'data folder': async ({ paths }) => {
    const { blocks, bavail, bsize } = await statfs(paths.data);
    const text = freeText(blocks * bsize, (blocks - bavail) * bsize);
    return bavail < blocks * 0.05 ? warn(text, `free some of the disk that holds ${paths.data}`) : ok(text);
  },
  'pipe size': () => {
    const bytes = Number(sysctl('fs/pipe-max-size'));
    return bytes >= 4 * 2 ** 20
      ? ok(formatBytes(bytes))
      : warn(
          formatBytes(bytes),
          'sysctl fs.pipe-max-size=4194304: post-copy moves need it where root lacks CAP_SYS_RESOURCE',
        );
  },
  'inotify limits': () => {
    const instances = Number(sysctl('fs/inotify/max_user_instances'));
    return instances >= 512
      ? ok(String(instances))
      : warn(String(instances), 'sysctl fs.inotify.max_user_instances=1024: a few dozen systemd containers use up 128');
  },
  clock: async () => {
    const said = await run('timedatectl', ['show', '--property=NTPSynchronized', '--value'], {
      timeoutMs: 3000,
      allowFailure: true,
    }).catch(() => undefined);
    const answer = said?.code === 0 ? said.stdout.trim() : '';
    if (answer === 'yes') return ok('synchronised');
    return warn(
      answer === 'no' ? 'not synchronised' : 'cannot be asked',
      'run an NTP client: logs and certificates need the time',
    );
  },
};

/** In this order; a check that breaks is a check that failed. */
export async function examine(host: Host): Promise<Check[]> {
  return Promise.all(
    Object.entries(CHECKS).map(async ([name, check]) => {
      try {
        return { name, ...(await check(host)) };
      } catch (thrown) {
        return { name, ...bad(AppError.from(thrown).message, 'see the log of the agent') };
      }
    }),
  );
}

/** Lines of subuid(5) are NAME:FIRST:COUNT. */
function hasRange(file: string, { base, size }: { readonly base: number; readonly size: number }): boolean {
  if (!existsSync(file)) return false;
  return readFileSync(file, 'utf8')
    .split('\n')
    .some(line => {
      const [owner, first, count] = line.split(':');
      const mine = owner === 'root' || owner === '0';
      return mine && Number(first) <= base && Number(first) + Number(count) >= base + size;
    });
}

const sysctl = (name: string): string => readFileSync(`/proc/sys/${name}`, 'utf8').trim();

const freeText = (totalBytes: number, usedBytes: number): string =>
  `${formatBytes(totalBytes - usedBytes)} of ${formatBytes(totalBytes)} free`;
