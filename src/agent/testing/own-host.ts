/**
 * Lets a test file run on a host of its own: network and mount namespaces that vanish with its last process. The file
 * starts itself again inside them; outside it only passes the result on.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { start } from '../command.ts';

/** /sys must show the new network namespace yet keep the cgroups; /run must not be shared (CRIU caches there). */
const ENTER = `set -e
mount --rbind /sys/fs/cgroup /mnt
umount -l /sys
mount -t sysfs sysfs /sys
mount --rbind /mnt /sys/fs/cgroup
umount -l /mnt
mount -t tmpfs tmpfs /run
ip link set lo up
exec "$@"`;

/**
 * Awaited first in the test file: returns only inside.
 * @param prefix cgroup prefix the file uses; emptied at the end
 */
export async function inOwnHost(fileUrl: string, prefix: string): Promise<void> {
  if (process.env.BERTH_OWN_HOST === prefix) return endWith(process.ppid);
  const inside = [process.execPath, fileURLToPath(fileUrl)];
  // How the test runner wants to be told of results, and which CRIU to use.
  const passed = ['PATH', 'NODE_TEST_CONTEXT', 'BERTH_CRIU'].flatMap(name => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  const host = start('unshare', ['--net', '--mount', '--propagation', 'slave', 'sh', '-c', ENTER, 'sh', ...inside], {
    stdio: 'inherit',
    ownSession: false,
    env: { BERTH_OWN_HOST: prefix, ...Object.fromEntries(passed) },
  });
  const { code } = await host.exited;
  endLeftovers(prefix);
  process.exit(code === -1 ? 1 : code);
}

/** Nothing of this host outlives the test, also when who runs the tests is killed. */
function endWith(parent: number): void {
  setInterval(() => process.ppid === parent || process.exit(1), 500).unref();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
  const network = readlinkSync('/proc/self/ns/net');
  process.on('exit', () => {
    const others = readdirSync('/proc').filter(name => /^\d+$/.test(name) && Number(name) !== process.pid);
    for (const pid of others.filter(each => linkOf(`/proc/${each}/ns/net`) === network)) kill(Number(pid));
  });
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** A crashed test leaves no container running and no cgroup behind. */
function endLeftovers(prefix: string): void {
  const tops = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter(line => / - cgroup2? /.test(line))
    .map(line => join(line.split(' ')[4]!, prefix));
  for (let tries = 0; tries < 50; tries += 1) {
    for (const top of tops) for (const pid of pidsBelow(top)) kill(pid);
    try {
      for (const top of tops) removeTree(top);
      return;
    } catch {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

function below(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true }).filter(entry => entry.isDirectory());
  return [folder, ...entries.flatMap(entry => below(join(folder, entry.name)))];
}

const pidsBelow = (top: string): number[] =>
  below(top).flatMap(folder =>
    readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number),
  );

const removeTree = (top: string): void => {
  for (const folder of below(top).reverse()) rmdirSync(folder);
};

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone
  }
}
