/**
 * `npm run demo`: Berth's main job, for real, in about half a minute. A local cluster of three hosts; containers placed across
 * them; a command run in one; that one moved to another host while it runs, with a TCP client connected to it the whole
 * time; the pause measured. Everything is removed at the end, also after a failure or Ctrl-C.
 */
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../src/agent/command.ts';
import { buildBusyboxImage } from '../images/busybox.ts';
import { CLIENT, type Cluster } from '../local-cluster/cluster.ts';
import { startCluster } from '../local-cluster/start-cluster.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const DIR = join(ROOT, 'var/demo');
const BERTH = join(ROOT, 'bin/berth');
const ECHO_CLIENT = fileURLToPath(import.meta.resolve('./echo-client.ts'));
const MOVED = 'web1';

/** Answers on port 7 with what it was sent: one process a connection, whose memory and socket must survive the move. */
const ECHO_SERVER = '::respawn:/bin/nc -ll -p 7 -e /bin/cat';

console.log('Berth demo: three hosts on this machine, real LXC, real CRIU, real etcd.\n');
const begun = performance.now();
const cluster = await startCluster({ dir: DIR, hosts: 3, say: line => console.log(`  ${line}`) });
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void cluster.stop().finally(() => process.exit(130));
  });
}
try {
  say(`up after ${seconds(begun)}`);
  await show(cluster);
} finally {
  await cluster.stop();
  console.log('\nThe cluster is gone again: nothing is left on this machine.');
}

async function show(demo: Cluster): Promise<void> {
  heading('An image, made here from busybox');
  const image = join(DIR, 'busybox.tar.gz');
  await buildBusyboxImage(image);
  await berth('image', 'import', image, '--alias', 'busybox');

  heading('Six containers: the scheduler spreads them');
  await Promise.all(
    ['web1', 'web2', 'web3', 'db1', 'db2', 'db3'].map(name =>
      berthQuietly('launch', 'busybox', name, '-c', 'limits.memory=256MiB'),
    ),
  );
  await berth('list');
  await berth('explain', MOVED);

  heading('A command in one of them, and a service');
  await berth('exec', MOVED, '--', 'uname', '-n');
  await berthQuietly('exec', MOVED, '--', 'sh', '-c', `echo '${ECHO_SERVER}' >> /etc/inittab && kill -HUP 1`);
  const [before] = JSON.parse(await berthQuietly('list', MOVED, '--format', 'json')) as Listed[];
  const address = addressOf(before!);
  const target = demo.hosts.map(host => host.name).find(name => name !== before!.location)!;
  await listening(demo, address);

  heading(`The main job: ${MOVED} moves from ${before!.location} to ${target} while a client talks to it every 2 ms`);
  const client = startClient(demo, address);
  await client.connected;
  const moveBegun = performance.now();
  await berth('move', MOVED, '--target', target);
  const took = seconds(moveBegun);
  const result = await client.stop();
  await berth('list', MOVED);

  const lost = result.lost === null && result.corrupted === 0 && result.answered === result.sent ? 0 : 1;
  console.log(`  messages sent and answered    ${result.sent} / ${result.answered}, ${result.corrupted} corrupted`);
  console.log(`  usual round trip              ${result.medianMs} ms`);
  console.log(`  pause felt by the client      ${result.longestMs} ms (its longest round trip)`);
  console.log(`  the whole move took           ${took}`);
  console.log(`\n${lost} of 1 connections lost`);
  if (lost > 0) {
    console.log(`the client said: ${result.lost ?? 'some answers were missing or wrong'}`);
    process.exitCode = 1;
  }
}

interface Listed {
  readonly location: string;
  readonly state: {
    readonly network: Record<string, { addresses: { family: string; scope: string; address: string }[] }>;
  };
}

interface ClientResult {
  readonly sent: number;
  readonly answered: number;
  readonly corrupted: number;
  readonly lost: string | null;
  readonly longestMs: number;
  readonly medianMs: number;
}

function addressOf(instance: Listed): string {
  const addresses = Object.values(instance.state.network).flatMap(nic => nic.addresses);
  const found = addresses.find(({ family, scope }) => family === 'inet' && scope === 'global');
  if (found === undefined) throw new Error(`${MOVED} has no IPv4 address`);
  return found.address;
}

/** Resolves when the echo server takes connections: init needs a moment to start it. */
async function listening(demo: Cluster, address: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const { code } = await demo.exec(CLIENT, ['busybox', 'nc', '-w', '1', address, '7'], {
      allowFailure: true,
      input: '',
    });
    if (code === 0) return;
    await new Promise(resolve => setTimeout(resolve, 20));
    if (performance.now() > deadline) throw new Error(`nothing answers on ${address} port 7`);
  }
}

function startClient(demo: Cluster, address: string) {
  const [file, ...args] = demo.hostCommand(CLIENT, [process.execPath, ECHO_CLIENT, address, '7', '60']);
  const child = spawn(file!, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  const connected = new Promise<void>((done, failed) => {
    child.stdout.on('data', chunk => {
      output += chunk;
      if (output.includes('"connected":true')) done();
    });
    child.once('exit', () => failed(new Error(`the client could not connect: ${output}`)));
  });
  const ended = new Promise<void>(done => child.once('close', () => done()));
  return {
    connected,
    stop: async (): Promise<ClientResult> => {
      child.stdin.end();
      await ended;
      return JSON.parse(output.trim().split('\n').at(-1)!) as ClientResult;
    },
  };
}

/** Runs the CLI as a user would and shows it. */
async function berth(...args: string[]): Promise<void> {
  console.log(`\n$ berth ${args.map(arg => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg}'`)).join(' ')}`);
  process.stdout.write(await berthQuietly(...args));
}

async function berthQuietly(...args: string[]): Promise<string> {
  const { stdout } = await run(BERTH, args, {
    env: { BERTH_SOCKET: cluster.socketPath, BERTH_CONF: join(DIR, 'cli') },
    timeoutMs: 120_000,
  });
  return stdout;
}

function heading(text: string): void {
  console.log(`\n\n== ${text}`);
}

function say(text: string): void {
  console.log(`  ${text}`);
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}
