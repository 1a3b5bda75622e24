/**
 * A host of the local cluster: a network and a mount namespace, held open by a sleeping process, with its own /sys,
 * /run, lxcfs and storage pool. Whatever is mounted inside goes when the last process inside does.
 */
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../src/agent/command.ts';
import { DATA_INSIDE, type HostLayout, type Layout } from './layout.ts';
import { makeHostNetwork } from './network.ts';
import { isAlive, type ProcessId, startDaemon } from './process.ts';
import { until } from './until.ts';

export const STORAGE_DRIVERS = ['btrfs', 'dir'] as const;
export type StorageDriver = (typeof STORAGE_DRIVERS)[number];

/** Sparse: takes what is written. */
const POOL_BYTES = 16 * 2 ** 30;

export interface HostOptions {
  readonly layout: Layout;
  readonly host: HostLayout;
  /** The host's folder, absolute. */
  readonly dir: string;
  readonly logFile: string;
  readonly storage: StorageDriver;
}

export interface HostProcesses {
  /** The process that holds the namespaces. */
  readonly holder: ProcessId;
  readonly lxcfs: ProcessId;
}

/** Makes the host; afterwards `inHost` runs commands there. */
export async function makeHost(options: HostOptions): Promise<HostProcesses> {
  const { host, dir, layout } = options;
  const [image] = await Promise.all([makePoolImage(options), makeHostNetwork(layout, host)]);
  const daemon = { slot: layout.slot, logFile: options.logFile };
  const hold = [
    'nsenter',
    `--net=/run/netns/${host.namespace}`,
    'unshare',
    '-m',
    '--propagation',
    'slave',
    'sleep',
    'infinity',
  ];
  const holder = await startDaemon(hold, daemon);
  // it becomes `sleep` when it has its namespaces; entering earlier could mount on the machine itself
  await until(`the namespaces of ${host.name}`, 5000, async () =>
    (await readFile(`/proc/${holder.pid}/comm`, 'utf8')) === 'sleep\n' ? true : undefined,
  );
  const script = join(import.meta.dirname, 'enter-host.sh');
  const [file, ...args] = inHost(holder, ['sh', script, dir, DATA_INSIDE, ...(image === undefined ? [] : [image])]);
  await run(file!, args);
  const lxcfs = await startDaemon(
    inHost(holder, ['lxcfs', '-f', '-p', `${DATA_INSIDE}/lxcfs.pid`, '--enable-loadavg', `${DATA_INSIDE}/lxcfs`]),
    daemon,
  );
  return { holder, lxcfs };
}

/** Resolves when lxcfs of the host is mounted. */
export async function lxcfsReady(host: HostProcesses): Promise<void> {
  await until('lxcfs', 5000, async () => {
    if (!isAlive(host.lxcfs)) throw new Error('lxcfs ended; its log tells why');
    const mounts = await readFile(`/proc/${host.holder.pid}/mounts`, 'utf8');
    return mounts.includes(` ${DATA_INSIDE}/lxcfs fuse.lxcfs `) ? true : undefined;
  });
}

/** The command line that runs `argv` inside the host, in the same process (nsenter replaces itself). */
export function inHost(holder: ProcessId, argv: readonly string[]): readonly string[] {
  return ['nsenter', '-t', String(holder.pid), '-m', '-n', '--', ...argv];
}

async function makePoolImage(options: HostOptions): Promise<string | undefined> {
  await mkdir(options.dir, { recursive: true });
  if (options.storage !== 'btrfs') return undefined;
  const image = `${options.dir}.btrfs`;
  const file = await open(image, 'w', 0o600);
  await file.truncate(POOL_BYTES);
  await file.close();
  await run('mkfs.btrfs', ['--quiet', '--force', '--nodiscard', image]);
  return image;
}
