/**
 * A real cluster for the end-to-end tests, with the clients that people use: `berth` and Debian's `lxc`. Everything is
 * taken down again by `close`, also after a failed test.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildBusyboxImage } from '../../deploy/images/busybox.ts';
import { type ClientProcess, startClient } from '../../deploy/local-cluster/client-process.ts';
import { CLIENT, type Cluster } from '../../deploy/local-cluster/cluster.ts';
import { type ClusterOptions, startCluster } from '../../deploy/local-cluster/start-cluster.ts';
import { type Outcome, type RunOptions, run } from '../../src/agent/command.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const BERTH = join(ROOT, 'bin/berth');
const ECHO_CLIENT = fileURLToPath(import.meta.resolve('../../deploy/demo/echo-client.ts'));

export interface EchoResult {
  readonly sent: number;
  readonly answered: number;
  readonly corrupted: number;
  readonly lost: string | null;
  readonly longestMs: number;
}

export interface Harness {
  readonly cluster: Cluster;
  /** What both clients are told by. */
  readonly env: Readonly<Record<string, string>>;
  /** Path of a busybox image archive; imported as `busybox`. */
  readonly image: string;
  /** Runs `berth`; throws when it fails unless `allowFailure`. */
  berth(args: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** stdout of `berth ... --format json`. */
  berthJson<T>(...args: string[]): Promise<T>;
  /** Runs Debian's `lxc` 5.0.2 against the unix socket. */
  lxc(args: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** What a failing command says; fails the test if it does not fail. */
  berthFails(...args: string[]): Promise<string>;
  /** Makes an instance answer on port 7 with what it is sent, and gives its address. */
  echoServer(instance: string): Promise<string>;
  /** A client on the segment with one connection, until stopped. */
  echoClient(address: string): Promise<{ stop(): Promise<EchoResult> }>;
  close(): Promise<void>;
}

export async function openHarness(name: string, options: Partial<ClusterOptions> = {}): Promise<Harness> {
  const cluster = await startCluster({ dir: join(ROOT, 'var', `test-${name}`), ...options });
  const clients = new Set<ClientProcess<EchoResult>>();
  const conf = join(cluster.dir, 'cli');
  mkdirSync(conf, { recursive: true });
  const env = {
    BERTH_SOCKET: cluster.socketPath,
    BERTH_CONF: join(conf, 'berth'),
    LXD_DIR: join(cluster.dir, 'controller'),
    LXD_CONF: join(conf, 'lxc'),
    HOME: conf,
  };
  const berth = (args: readonly string[], more: RunOptions = {}) =>
    run(BERTH, args, { timeoutMs: 120_000, ...more, env: { ...env, ...more.env } });
  const lxc = (args: readonly string[], more: RunOptions = {}) =>
    run('lxc', args, { timeoutMs: 120_000, ...more, env: { ...env, ...more.env } });
  const berthJson = async <T>(...args: string[]) =>
    JSON.parse((await berth([...args, '--format', 'json'])).stdout) as T;

  const harness: Harness = {
    cluster,
    env,
    image: join(cluster.dir, 'busybox.tar.gz'),
    berth,
    berthJson,
    lxc,
    berthFails: async (...args) => {
      const { code, stderr } = await berth(args, { allowFailure: true });
      assert.notEqual(code, 0, `berth ${args.join(' ')} should have failed`);
      return stderr.trim();
    },
    echoServer: async instance => {
      await berth([
        'exec',
        instance,
        '--',
        'sh',
        '-c',
        "echo '::respawn:/bin/nc -ll -p 7 -e /bin/cat' >> /etc/inittab && kill -HUP 1",
      ]);
      const [found] = await berthJson<
        { state: { network: Record<string, { addresses: { family: string; scope: string; address: string }[] }> } }[]
      >('list', instance);
      const address = Object.values(found!.state.network)
        .flatMap(nic => nic.addresses)
        .find(({ family, scope }) => family === 'inet' && scope === 'global')?.address;
      assert.ok(address, `${instance} has an address`);
      const deadline = performance.now() + 10_000; // init starts it in its own time
      for (;;) {
        const { code } = await cluster.exec(CLIENT, ['busybox', 'nc', '-w', '1', address, '7'], {
          allowFailure: true,
          input: '',
        });
        if (code === 0) return address;
        assert.ok(performance.now() < deadline, `${instance} answers on port 7`);
        await new Promise(resolve => setTimeout(resolve, 20));
      }
    },
    echoClient: async address => {
      const client = await startClient<EchoResult>(cluster, ECHO_CLIENT, [address, '7', '120']);
      clients.add(client);
      return {
        stop: async () => {
          const result = await client.stop();
          clients.delete(client);
          return result;
        },
      };
    },
    close: async () => {
      for (const client of clients) client.kill();
      await cluster.stop();
    },
  };
  try {
    await buildBusyboxImage(harness.image);
    await berth(['image', 'import', harness.image, '--alias', 'busybox']);
  } catch (thrown) {
    await harness.close();
    throw thrown;
  }
  return harness;
}

/** Nothing was lost, doubled or changed on the way. */
export function assertWhole(result: EchoResult): void {
  assert.deepEqual(
    { lost: result.lost, corrupted: result.corrupted, answered: result.answered },
    { lost: null, corrupted: 0, answered: result.sent },
  );
}
