/**
 * The floor of the tools: the same container moved by lxc-checkpoint and the same scripts around CRIU between the same two
 * hosts, and nothing else. No agent, no controller, no wire: both ends share one root and one folder of images on a tmpfs.
 */
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from '../../deploy/local-cluster/cluster.ts';
import { checkpointEnvironment, locateCriu, SCRIPTS } from '../../src/agent/criu/locate.ts';
import { DUMP_OPTIONS, RESTORE_OPTIONS } from '../../src/agent/criu/options.ts';
import { awaitFacts } from '../../src/agent/move/await-facts.ts';
import { type Facts, readFacts } from '../../src/agent/move/facts.ts';
import { furnish, say } from '../../src/agent/move/folder.ts';
import { openToRestore } from '../../src/agent/snapshots/state-folders.ts';
import { connectClient } from './client.ts';
import type { Programs } from './programs.ts';

/** Free on the segment: instances get theirs from the start of the range. */
const LAST_BYTE = '.250';
const NAME = 'by-hand';
/** Of the card inside; needed to announce an IPv6 address only, and this one has none. */
const MAC = '00:00:00:00:00:00';
const VETH = 'vbyhand';
const FIRST_ID = 1_000_000;
const REST_MS = 300;

/** Pauses in ms as its client saw them. @param rootfs of an unprivileged busybox, owners shifted already */
export async function moveByHand(
  cluster: Cluster,
  programs: Programs,
  { rootfs, times, memoryMiB }: { readonly rootfs: string; readonly times: number; readonly memoryMiB: number },
): Promise<readonly number[]> {
  const folder = await mkdtemp('/dev/shm/berth-by-hand-');
  await chmod(folder, 0o755); // the container's root passes through
  const { bridge, address, prefix } = await segmentOf(cluster);
  const hosts = ['n1', 'n2'] as const;
  const pauses: number[] = [];
  try {
    await cp(programs.load, join(rootfs, 'usr/bin/load'));
    await writeFile(join(rootfs, 'etc/inittab'), `::respawn:/usr/bin/load 7 ${memoryMiB} 0\n`);
    for (const host of hosts) await writeContainer(cluster, folder, host, rootfs, { bridge, address, prefix });
    // Its output to a file: else it keeps ours open for as long as the container lives.
    const output = ['-l', 'WARN', '-o', join(folder, 'lxc.log')];
    await cluster.exec('n1', ['lxc-start', '-P', join(folder, 'n1'), '-n', NAME, '-d', ...output]);
    const client = await connectClient(cluster, programs.client, address);
    for (let index = 0; index < times; index += 1) {
      await rest();
      await client.mark();
      await moveOnce(cluster, folder, hosts[index % 2]!, hosts[(index + 1) % 2]!, { bridge, address, rootfs });
      await rest();
      pauses.push((await client.mark()).longestMs);
    }
    const { wrongPages } = await client.check();
    client.stop();
    if (wrongPages !== 0) throw new Error(`moved by hand, ${wrongPages} pages of memory are wrong`);
    return pauses;
  } finally {
    for (const host of hosts)
      await cluster.exec(host, ['lxc-stop', '-k', '-P', join(folder, host), '-n', NAME], { allowFailure: true });
    await rm(folder, { recursive: true, force: true });
  }
}

interface Nic {
  readonly bridge: string;
  readonly address: string;
}

async function moveOnce(
  cluster: Cluster,
  folder: string,
  from: string,
  to: string,
  { bridge, address, rootfs }: Nic & { readonly rootfs: string },
): Promise<void> {
  const nics = [{ host: VETH, bridge, name: 'eth0', mac: MAC, addresses: [address] }];
  const [dump, restore] = [join(folder, 'dump'), join(folder, 'restore')];
  for (const each of [dump, restore]) await mkdir(each, { mode: 0o755 });
  await furnish(dump, DUMP_OPTIONS, nics);
  await furnish(restore, RESTORE_OPTIONS, nics, { plug: `${join(folder, to, NAME, 'plug')}\n`, rootfs: `${rootfs}\n` });
  await rm(join(restore, 'images'), { recursive: true });
  await symlink(join(dump, 'images'), join(restore, 'images'));

  const checkpoint = (host: string, what: string, its: string) => {
    const env = Object.entries(checkpointEnvironment(locateCriu(process.env.BERTH_CRIU) ?? 'criu', its));
    const words = ['-P', join(folder, host), '-n', NAME, '-D', join(its, 'images'), what];
    const begun = cluster.exec(host, [
      'env',
      ...env.map(pair => pair.join('=')),
      join(SCRIPTS, 'checkpoint'),
      'lxc-checkpoint',
      ...words,
    ]);
    begun.catch(() => {}); // met below, unless something else fails first
    return begun;
  };
  say(dump, 'door', 'go'); // new connections are not kept away
  const restored = checkpoint(to, '-r', restore);
  await reached(restore, 'images');
  const dumped = checkpoint(from, '-s', dump);
  try {
    await reached(dump, 'verdict');
    openToRestore(join(dump, 'images'), FIRST_ID);
    say(restore, 'images', 'go');
    await reached(restore, 'verdict');
    say(restore, 'verdict', 'go');
  } catch (thrown) {
    say(dump, 'verdict', 'back'); // else it stands still for ever
    throw thrown;
  }
  await restored;
  say(dump, 'verdict', 'go');
  await dumped;
  for (const each of [dump, restore]) await rm(each, { recursive: true });
}

async function reached(folder: string, stage: string): Promise<void> {
  const over = (facts: Facts) => facts.stages.has(stage) || facts.exit !== undefined;
  await awaitFacts(folder, over, { timeoutMs: 60_000, what: stage });
  if (readFacts(folder).stages.has(stage)) return;
  const output = await readFile(join(folder, 'output'), 'utf8').catch(() => '');
  throw new Error(`by hand: no ${stage}: ${output}`);
}

/** What the agent would write for an instance with one NIC, see `agent/lxc/config.ts`. */
async function writeContainer(
  cluster: Cluster,
  folder: string,
  host: string,
  rootfs: string,
  { bridge, address, prefix }: Nic & { readonly prefix: number },
): Promise<void> {
  const own = join(folder, host, NAME);
  await mkdir(own, { recursive: true });
  const config = [
    `lxc.uts.name = ${NAME}`,
    `lxc.rootfs.path = dir:${rootfs}`,
    `lxc.cgroup.dir = berth-dev${cluster.state.slot}/${host}`,
    'lxc.net.0.type = empty',
    'lxc.hook.version = 1',
    `lxc.hook.start-host = ${join(own, 'plug')}`,
    'lxc.console.path = none',
    'lxc.tty.max = 0',
    'lxc.autodev = 1',
    'lxc.mount.auto = cgroup:mixed proc:mixed sys:mixed',
    `lxc.idmap = u 0 ${FIRST_ID} 65536`,
    `lxc.idmap = g 0 ${FIRST_ID} 65536`,
  ];
  await writeFile(join(own, 'config'), `${config.join('\n')}\n`);
  const plug = `#!/bin/sh
exec </dev/null
pid=\${CRTOOLS_INIT_PID:-$LXC_PID}
[ ! -e /sys/class/net/${VETH} ] || ip link del ${VETH}
{
  echo "link add ${VETH} type veth peer name eth0 address 02:be:00:00:00:fa netns $pid"
  [ -n "$CRTOOLS_INIT_PID" ] || echo "link set ${VETH} master ${bridge}"
  echo "link set ${VETH} up"
} | ip -batch -
printf '%s\\n' 'link set lo up' 'address add ${address}/${prefix} dev eth0' 'link set eth0 up' | nsenter -t "$pid" -n ip -batch -
`;
  await writeFile(join(own, 'plug'), plug, { mode: 0o755 });
}

/** The bridge of the hosts, and an address for the container. */
async function segmentOf(cluster: Cluster): Promise<Nic & { readonly prefix: number }> {
  const { stdout } = await cluster.exec('n1', ['ip', '-j', '-4', 'address', 'show', 'type', 'bridge']);
  type Link = {
    readonly ifname?: string;
    readonly addr_info?: readonly { readonly local: string; readonly prefixlen: number }[];
  };
  const bridge = (JSON.parse(stdout) as readonly Link[]).find(link => link.addr_info?.length);
  if (bridge?.ifname === undefined) throw new Error('the hosts have no bridge with an address');
  const { local, prefixlen } = bridge.addr_info![0]!;
  return { bridge: bridge.ifname, address: local.replace(/\.\d+$/, LAST_BYTE), prefix: prefixlen };
}

const rest = () => new Promise(resolve => setTimeout(resolve, REST_MS));
