/**
 * Two hosts and a segment between them on one kernel, for tests that run `inOwnHost`: the test's own network namespace
 * is the segment and holds the client. Each host is a network and a mount namespace kept by a sleeping process, so that
 * its agent can be killed and started again.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { AppError, type Code } from '../../../domain/errors.ts';
import { type Identity, issue } from '../../../kit/certificates.ts';
import { agentUri } from '../../../rpc/identity.ts';

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

export interface TestHost {
  readonly name: string;
  readonly address: string;
  /** As seen from the test: through the host's mount namespace. */
  readonly path: (inside: string) => string;
  readonly data: string;
  start(criu: string): Promise<void>;
  /** SIGKILL to its agent; what it had started lives on. */
  kill(): Promise<void>;
  call<T = unknown>(verb: string, ...args: readonly unknown[]): Promise<T>;
  close(): Promise<void>;
}

export function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
}

/** The segment: a bridge with an address for the test itself. */
export function makeSegment(address: string): void {
  ip('link', 'add', 'segment', 'address', '02:00:00:00:00:01', 'type', 'bridge');
  ip('address', 'add', address, 'dev', 'segment');
  ip('link', 'set', 'segment', 'up');
}

export interface HostOptions {
  readonly name: string;
  /** Without prefix; /24 is assumed. */
  readonly address: string;
  readonly data: string;
  readonly cgroupPrefix: string;
  readonly authority: Identity;
}

export async function makeHost({ name, address, data, cgroupPrefix, authority }: HostOptions): Promise<TestHost> {
  const unshare = ['--net', '--mount', '--propagation', 'slave', 'sh', '-c', NEW_HOST];
  const keeper = spawn('unshare', unshare, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(keeper, 'ready');
  const pid = String(keeper.pid);
  const inside = (...args: readonly string[]) => ['-t', pid, '-n', '-m', ...args];
  const ipInside = (...args: readonly string[]) => {
    const { status, stderr } = spawnSync('nsenter', inside('ip', ...args), { encoding: 'utf8' });
    if (status !== 0) throw new Error(`ip ${args.join(' ')} on ${name}: ${stderr}`);
  };
  ip('link', 'add', `to-${name}`, 'type', 'veth', 'peer', 'name', 'up0', 'netns', pid);
  ip('link', 'set', `to-${name}`, 'master', 'segment', 'up');
  ipInside('link', 'set', 'lo', 'up');
  ipInside('link', 'add', 'berthbr0', 'address', `02:00:00:00:01:${address.split('.').at(-1)}`, 'type', 'bridge');
  ipInside('link', 'set', 'up0', 'master', 'berthbr0', 'up');
  ipInside('address', 'add', `${address}/24`, 'dev', 'berthbr0');
  ipInside('link', 'set', 'berthbr0', 'up');

  await mkdir(join(data, 'tls'), { recursive: true });
  const own = await issue(authority, name, [{ type: 'url', value: agentUri(name) }]);
  for (const [file, text] of [
    ['ca.crt', authority.cert],
    ['agent.crt', own.cert],
    ['agent.key', own.key],
  ] as const)
    await writeFile(join(data, 'tls', file), text);
  await writeFile(join(data, 'agent.yaml'), JSON.stringify({ name, listen: `${address}:8444`, cgroupPrefix }));

  let agent: ChildProcess | undefined;
  let next = 1;
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();

  const hear = (line: string): void => {
    const { id, value, error } = JSON.parse(line) as {
      id: number;
      value?: unknown;
      error?: { code: Code; message: string };
    };
    const asked = waiting.get(id);
    waiting.delete(id);
    if (error) asked?.reject(new AppError(error.code, error.message));
    else asked?.resolve(value);
  };
  const answer = <T>(id: number) =>
    new Promise<T>((resolve, reject) => waiting.set(id, { resolve: resolve as (value: unknown) => void, reject }));

  const kill = async (): Promise<void> => {
    if (agent === undefined) return;
    const ended = new Promise(resolve => agent!.once('close', resolve));
    agent.kill('SIGKILL');
    await ended;
    for (const { reject } of waiting.values()) reject(new AppError('unavailable', `the agent of ${name} was killed`));
    waiting.clear();
    agent = undefined;
  };

  return {
    name,
    address,
    data,
    kill,
    path: file => join('/proc', pid, 'root', file),
    async start(criu) {
      const script = join(import.meta.dirname, 'move-host.ts');
      agent = spawn('nsenter', inside(process.execPath, script, data, criu), { stdio: ['pipe', 'pipe', 'inherit'] });
      createInterface({ input: agent.stdout! }).on('line', hear);
      agent.stdin!.on('error', () => {}); // it was killed
      const early = new Promise((_, reject) => agent!.once('exit', () => reject(new Error(`${name} ended`))));
      early.catch(() => {});
      await Promise.race([answer(0), early]);
    },
    call(verb, ...args) {
      const id = next++;
      agent!.stdin!.write(`${JSON.stringify({ id, verb, args })}\n`);
      return answer(id);
    },
    async close() {
      await kill();
      keeper.kill('SIGKILL');
      if (existsSync(`/sys/class/net/to-${name}`)) ip('link', 'del', `to-${name}`);
    },
  };
}

function once(child: ChildProcess, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout!.on('data', chunk => {
      if (String(chunk).includes(line)) resolve();
    });
    child.once('exit', code => reject(new Error(`ended with ${code}`)));
  });
}
