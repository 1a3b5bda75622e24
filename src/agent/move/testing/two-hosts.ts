/**
 * Hosts with real agents on one kernel, for tests that run `inOwnHost`: the test's own network namespace is the segment
 * between them and holds the client. A host is a network and a mount namespace kept by a sleeping process, so that its
 * agent can be killed and started again.
 */
import { mkdir, readdir, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Identity } from '../../../kit/certificates.ts';
import { issue } from '../../../kit/certificates.ts';
import { AGENT_SERVICES, type AgentClient } from '../../../rpc/agent-services.ts';
import { connectGrpc } from '../../../rpc/client.ts';
import { agentUri, controllerUri } from '../../../rpc/identity.ts';
import { type Outcome, type Running, run, start } from '../../command.ts';

/** /sys must show the new network namespace yet keep the cgroups; /run must not be shared (CRIU caches there). */
const NEW_HOST = `set -e
mount --rbind /sys/fs/cgroup /mnt
umount -l /sys
mount -t sysfs sysfs /sys
mount --rbind /mnt /sys/fs/cgroup
umount -l /mnt
mount -t tmpfs tmpfs /run
echo ready
exec sleep 1000000`;

const MAIN = join(import.meta.dirname, '../../main.ts');

export interface TestHost {
  readonly name: string;
  readonly client: AgentClient;
  readonly data: string;
  /** Its LXC containers' cgroups lie below this one. */
  readonly cgroupPrefix: string;
  /** A path of this host as the test can open it: through the host's mount namespace. */
  path(inside: string): string;
  /** Runs a program on it. */
  run(file: string, ...args: readonly string[]): Promise<Outcome>;
  /** Starts its agent with this CRIU; resolves when it serves. */
  start(criu: string): Promise<void>;
  /** SIGKILL to its agent; what the agent had started lives on. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

export interface HostOptions {
  readonly name: string;
  /** In the segment's /24. */
  readonly address: string;
  readonly data: string;
  readonly cgroupPrefix: string;
  readonly authority: Identity;
}

/** A bridge with an address for the test itself, and perhaps some of IPv6. */
export async function makeSegment(address: string, ipv6: readonly string[] = []): Promise<void> {
  await ip('link add segment address 02:00:00:00:00:01 type bridge');
  await ip(`address add ${address}/24 dev segment`);
  for (const each of ipv6) await ip(`address add ${each}/64 dev segment nodad`);
  await ip('link set segment up');
}

export async function makeHost({ name, address, data, cgroupPrefix, authority }: HostOptions): Promise<TestHost> {
  const keeper = start('unshare', ['--net', '--mount', '--propagation', 'slave', 'sh', '-c', NEW_HOST]);
  await untilItSays(keeper, 'ready');
  const inside = ['-t', `${keeper.pid}`, '-n', '-m', '--'];
  const ipInside = (words: string) => run('nsenter', [...inside, 'ip', ...words.split(' ')]);
  await ip(`link add to-${name} type veth peer name up0 netns ${keeper.pid}`);
  await ip(`link set to-${name} master segment up`);
  await ipInside('link set lo up');
  await ipInside(`link add berthbr0 address 02:00:00:00:01:${address.split('.').at(-1)} type bridge`);
  await ipInside('link set up0 master berthbr0 up');
  await ipInside(`address add ${address}/24 dev berthbr0`);
  await ipInside('link set berthbr0 up');

  await writeConfig(data, { name, listen: `${address}:8444`, cgroupPrefix }, authority);
  const controller = await issue(authority, 'c1', [{ type: 'url', value: controllerUri('c1') }]);
  const connection = connectGrpc({
    address: `${address}:8444`,
    tls: { ca: authority.cert, ...controller },
    expect: agentUri(name),
    services: AGENT_SERVICES,
    who: `host ${name}`,
  });
  let agent: Running | undefined;
  const kill = async (): Promise<void> => {
    agent?.kill('SIGKILL');
    await agent?.exited;
  };
  return {
    name,
    data,
    cgroupPrefix,
    client: connection.client,
    kill,
    run: (file, ...args) => run('nsenter', [...inside, file, ...args]),
    path: file => join('/proc', `${keeper.pid}`, 'root', file),
    async start(criu) {
      const options = { env: { BERTH_CRIU: criu } };
      agent = start('nsenter', [...inside, process.execPath, MAIN, 'run', '--data', data], options);
      await untilItSays(agent, 'agent runs');
    },
    async close() {
      connection.close();
      await kill();
      // A test that failed in the middle of a move leaves scripts that wait for a word, and a frozen container.
      for (const pid of await pidsIn(keeper.pid)) killIfThere(pid);
      await keeper.exited;
      await thawBelow(join('/sys/fs/cgroup/freezer', cgroupPrefix));
    },
  };
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended since it was found
  }
}

/** All in the same network namespace as this one, itself included. */
async function pidsIn(keeper: number): Promise<readonly number[]> {
  const namespaceOf = (pid: string) => readlink(`/proc/${pid}/ns/net`).catch(() => '');
  const ours = await namespaceOf(`${keeper}`);
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name));
  const theirs = await Promise.all(pids.map(namespaceOf));
  return pids.filter((_, index) => theirs[index] === ours).map(Number);
}

async function thawBelow(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter(each => each.startsWith('lxc.payload.')))
    await writeFile(join(folder, name, 'freezer.state'), 'THAWED');
}

async function writeConfig(
  data: string,
  config: { readonly name: string; readonly listen: string; readonly cgroupPrefix: string },
  authority: Identity,
): Promise<void> {
  await mkdir(join(data, 'tls'), { recursive: true });
  const own = await issue(authority, config.name, [{ type: 'url', value: agentUri(config.name) }]);
  await writeFile(join(data, 'tls/ca.crt'), authority.cert);
  await writeFile(join(data, 'tls/agent.crt'), own.cert);
  await writeFile(join(data, 'tls/agent.key'), own.key);
  await writeFile(join(data, 'agent.yaml'), JSON.stringify(config)); // JSON is YAML
}

const ip = (words: string) => run('ip', words.split(' '));

function untilItSays(program: Running, word: string): Promise<void> {
  program.stderr.on('data', chunk => process.stderr.write(chunk));
  return new Promise((resolve, reject) => {
    program.stdout.on('data', chunk => {
      if (String(chunk).includes(word)) resolve();
    });
    program.exited.then(({ code }) => reject(new Error(`it ended with ${code}`)), reject);
  });
}
