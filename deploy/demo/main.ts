/**
 * `npm run demo`: Berth's main job, for real. A local cluster of three hosts; containers placed across them; one moved to
 * another host while it runs, with a TCP client connected to it the whole time; and then Debian with systemd and PostgreSQL,
 * moved in the middle of a client's transaction. `-- --quick` leaves the second out. All is removed at the end, also after a
 * failure or Ctrl-C; only the image of Debian is kept, in var/images.
 */
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildBusyboxImage } from '../images/busybox.ts';
import { CLIENT } from '../local-cluster/cluster.ts';
import { startCluster } from '../local-cluster/start-cluster.ts';
import { databaseImage, showDatabase } from './database.ts';
import { heading, openStage, type Stage, say, seconds } from './stage.ts';

const DIR = join(resolve(import.meta.dirname, '../..'), 'var/demo');
const MOVED = 'web1';

/** Answers on port 7 with what it was sent: one process a connection, whose memory and socket must survive the move. */
const ECHO_SERVER = '::respawn:/bin/nc -ll -p 7 -e /bin/cat';

const { values: options } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });

console.log('Berth demo: three hosts on this machine, real LXC, real CRIU, real etcd.\n');
const begun = performance.now();
const debian = options.quick ? undefined : await databaseImage();
const cluster = await startCluster({ dir: DIR, hosts: 3, say });
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void cluster.stop().finally(() => process.exit(130));
  });
}
try {
  say(`up after ${seconds(begun)}`);
  const stage = openStage(cluster);
  let lost = await showMove(stage);
  if (debian !== undefined) lost += await showDatabase(stage, debian);
  console.log(`\n${lost} of ${debian === undefined ? 1 : 2} connections lost`);
  if (lost > 0) process.exitCode = 1;
} finally {
  await cluster.stop();
  console.log('\nThe cluster is gone again: nothing is left on this machine.');
}

interface EchoResult {
  readonly sent: number;
  readonly answered: number;
  readonly corrupted: number;
  readonly lost: string | null;
  readonly longestMs: number;
  readonly medianMs: number;
}

/** @returns how many connections were lost */
async function showMove(stage: Stage): Promise<number> {
  const { berth, berthQuietly } = stage;
  heading('An image, made here from busybox');
  const image = join(DIR, 'busybox.tar.gz');
  await buildBusyboxImage(image);
  await berth('image', 'import', relative('.', image), '--alias', 'busybox');

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
  const { location, address } = await stage.find(MOVED);
  const target = cluster.hosts.map(host => host.name).find(name => name !== location)!;
  await listening(address);

  heading(`The main job: ${MOVED} moves from ${location} to ${target} while a client talks to it every 2 ms`);
  const client = await stage.client<EchoResult>(import.meta.resolve('./echo-client.ts'), address, '7', '60');
  const moveBegun = performance.now();
  await berth('move', MOVED, '--target', target);
  const took = seconds(moveBegun);
  const result = await client.stop();
  await berth('list', MOVED);

  say(`messages sent and answered    ${result.sent} / ${result.answered}, ${result.corrupted} corrupted`);
  say(`usual round trip              ${result.medianMs} ms`);
  say(`pause felt by the client      ${result.longestMs} ms (its longest round trip)`);
  say(`the whole move took           ${took}`);
  const whole = result.lost === null && result.corrupted === 0 && result.answered === result.sent;
  if (!whole) say(`the client said: ${result.lost ?? 'some answers were missing or wrong'}`);
  return whole ? 0 : 1;
}

/** Resolves when the echo server takes connections: init needs a moment to start it. */
async function listening(address: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const { code } = await cluster.exec(CLIENT, ['busybox', 'nc', '-w', '1', address, '7'], {
      allowFailure: true,
      input: '',
    });
    if (code === 0) return;
    await new Promise(resolve => setTimeout(resolve, 20));
    if (performance.now() > deadline) throw new Error(`nothing answers on ${address} port 7`);
  }
}
