/**
 * The life of instances on a local cluster of three hosts (btrfs, a network card each): single commands by the CLI, as a
 * user types them, and the same by REST; lists of growing clusters; and how many launches a second 8 clients get done.
 */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { buildBusyboxImage } from '../../deploy/images/busybox.ts';
import { openApi } from '../../deploy/local-cluster/api.ts';
import { startCluster } from '../../deploy/local-cluster/start-cluster.ts';
import { run } from '../../src/agent/command.ts';
import type { Client } from '../../src/cli/api/client.ts';
import { concurrently, repeat } from '../measure.ts';
import { type Findings, findings, type Options, type Row } from '../report.ts';
import { changeState, create, launch, remove } from './api.ts';
import { PEERS } from './peers.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const IMAGE = 'busybox';
const WIDTH = 8;

export async function bench({ quick, say }: Options): Promise<Findings> {
  const dir = join(ROOT, 'var/bench');
  await mkdir(join(ROOT, 'var'), { recursive: true });
  const cluster = await startCluster({ dir, say });
  const interrupt = () => void cluster.stop().finally(() => process.exit(130));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const api = openApi(cluster.socketPath);
  // A remote that this machine's user has switched to must not be what is measured.
  const env = { BERTH_SOCKET: cluster.socketPath, BERTH_CONF: join(dir, 'config.yml') };
  const berth = (...words: readonly string[]) => run(join(ROOT, 'bin/berth'), words, { env });
  try {
    const image = join(dir, 'busybox.tar.gz');
    await buildBusyboxImage(image);
    await berth('image', 'import', image, '--alias', IMAGE);
    say('one launch on each host, so that the image is everywhere');
    for (const host of cluster.hosts)
      await berth('launch', IMAGE, 'warm', '--target', host.name).then(() => berth('delete', '-f', 'warm'));
    return findings([
      ...(await singles(api, berth, quick ? 4 : 12, say)),
      ...(await lists(api, berth, quick ? [10, 30] : [10, 100, 300], quick ? 4 : 10, say)),
      ...(await launches(api, quick ? 16 : 30, say)),
    ]);
  } finally {
    api.close();
    await cluster.stop();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

type Berth = (...words: readonly string[]) => Promise<unknown>;

/** One at a time: by the CLI, and by REST without a process started for each. */
async function singles(api: Client, berth: Berth, times: number, say: (line: string) => void): Promise<readonly Row[]> {
  say(`single commands, ${times} of each`);
  const name = (index: number) => `s${index}`;
  const cli = {
    launch: await repeat(times, i => berth('launch', IMAGE, name(i))),
    exec: await repeat(2 * times, i => berth('exec', name(i % times), '--', 'true')),
    stop: await repeat(times, i => berth('stop', '-f', name(i))),
    start: await repeat(times, i => berth('start', name(i))),
    again: await repeat(times, i => berth('stop', '-f', name(i))),
    delete: await repeat(times, i => berth('delete', name(i))),
    init: await repeat(times, i => berth('init', IMAGE, name(i))),
  };
  await repeat(times, i => remove(api, name(i)));
  const rest = {
    launch: await repeat(times, i => launch(api, name(i), IMAGE)),
    stop: await repeat(times, i => changeState(api, name(i), 'stop')),
    start: await repeat(times, i => changeState(api, name(i), 'start')),
    again: await repeat(times, i => changeState(api, name(i), 'stop')),
    delete: await repeat(times, i => remove(api, name(i))),
    init: await repeat(times, i => create(api, name(i), IMAGE)),
  };
  await repeat(times, i => remove(api, name(i)));
  return [
    { what: 'init', unit: 'ms', values: cli.init, peers: PEERS.init },
    { what: 'launch', unit: 'ms', values: cli.launch, peers: PEERS.launch },
    { what: 'start', unit: 'ms', values: cli.start, peers: PEERS.start },
    { what: 'exec -- true', unit: 'ms', values: cli.exec, peers: PEERS.exec },
    { what: 'stop -f', unit: 'ms', values: [...cli.stop, ...cli.again], peers: PEERS.stop },
    { what: 'delete (stopped)', unit: 'ms', values: cli.delete, peers: PEERS.delete },
    { what: 'REST init', unit: 'ms', values: rest.init },
    { what: 'REST launch', unit: 'ms', values: rest.launch },
    { what: 'REST start', unit: 'ms', values: rest.start },
    { what: 'REST stop -f', unit: 'ms', values: [...rest.stop, ...rest.again] },
    { what: 'REST delete (stopped)', unit: 'ms', values: rest.delete },
  ];
}

/** Lists while the cluster fills with stopped instances, and how fast it fills. */
async function lists(
  api: Client,
  berth: Berth,
  sizes: readonly number[],
  times: number,
  say: (line: string) => void,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const names: string[] = [];
  for (const size of sizes) {
    const added = Array.from({ length: size - names.length }, (_, i) => `l${names.length + i}`);
    const made = await concurrently(added, WIDTH, name => create(api, name, IMAGE));
    names.push(...added);
    say(`${size} instances`);
    const listed = await repeat(times, () => berth('list'));
    const rest = await repeat(times, () => api.get('/1.0/instances', { recursion: 2 }));
    rows.push(
      { what: `list of ${size}`, unit: 'ms', values: listed, peers: PEERS.list[size] ?? {} },
      { what: `REST list of ${size}, recursion 2`, unit: 'ms', values: rest, peers: PEERS.listRest[size] ?? {} },
      { what: `REST init, ${WIDTH} at once, to ${size}`, unit: '/s', values: [made.perSecond], peers: PEERS.create },
    );
  }
  const gone = await concurrently(names, WIDTH, name => remove(api, name));
  return [
    ...rows,
    {
      what: `REST delete, ${WIDTH} at once`,
      unit: '/s',
      values: [gone.perSecond],
      peers: PEERS.deletions,
    },
  ];
}

async function launches(api: Client, count: number, say: (line: string) => void): Promise<readonly Row[]> {
  say(`${count} launches, ${WIDTH} at once`);
  const names = Array.from({ length: count }, (_, i) => `c${i}`);
  const { latenciesMs, perSecond } = await concurrently(names, WIDTH, name => launch(api, name, IMAGE));
  await concurrently(names, WIDTH, name => changeState(api, name, 'stop').then(() => remove(api, name)));
  return [
    { what: `REST launch, ${WIDTH} at once`, unit: '/s', values: [perSecond], peers: PEERS.launches },
    { what: `REST launch, ${WIDTH} at once: latency`, unit: 'ms', values: latenciesMs },
  ];
}
