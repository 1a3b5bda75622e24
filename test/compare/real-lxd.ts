/** A real LXD 5.0.2 (Debian's package `lxd`) in namespaces of its own: with its end everything it made is gone but its folder. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run, start } from '../../src/agent/command.ts';
import { fail } from '../../src/domain/errors.ts';

export interface RealLxd {
  readonly dir: string;
  readonly socketPath: string;
  /** Of the daemon, as this machine sees it. */
  readonly pid: number;
  close(): Promise<void>;
}

const PROGRAM = '/usr/bin/lxd';

/** @param dir made anew. @throws AppError `unsupported` when the package is missing. */
export async function startLxd(dir: string): Promise<RealLxd> {
  if (!existsSync(PROGRAM))
    fail('unsupported', `There is no ${PROGRAM}: apt-get install lxd (its service need not run)`);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const socketPath = join(dir, 'unix.socket');
  // Mounts, bridges, dnsmasq and firewall rules live in the namespaces; the process namespace ends its children with it.
  // LXD looks for bridges in /sys, which shows the network namespace that it was mounted in.
  const inside = [
    `mkdir '${dir}/cgroup' && mount --rbind /sys/fs/cgroup '${dir}/cgroup'`,
    `mount -t sysfs sysfs /sys && mount --rbind '${dir}/cgroup' /sys/fs/cgroup`,
    'ip link set lo up',
    `LXD_DIR='${dir}' exec ${PROGRAM} --group root --logfile '${join(dir, 'lxd.log')}'`,
  ].join(' && ');
  const daemon = start(
    'unshare',
    ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', inside],
    { stdio: 'ignore' },
  );
  const close = async () => {
    daemon.kill('SIGKILL');
    await daemon.exited;
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await run('lxd', ['waitready', '--timeout', '30'], { env: { LXD_DIR: dir } });
  } catch (error) {
    await close();
    throw error;
  }
  const child = readFileSync(`/proc/${daemon.pid}/task/${daemon.pid}/children`, 'utf8');
  return { dir, socketPath, pid: Number(child.trim()), close };
}
