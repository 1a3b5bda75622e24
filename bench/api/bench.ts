/**
 * Reading a cluster of 300 instances, 50 of them running, through the API, kept-alive on the unix socket; and what the
 * processes of Berth hold in memory then. LXD's figures were measured on the same kind of machine (see lifecycle/peers.ts).
 */
import { mkdir, readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join, resolve } from 'node:path';
import { buildBusyboxImage } from '../../deploy/images/busybox.ts';
import { openApi } from '../../deploy/local-cluster/api.ts';
import type { Cluster } from '../../deploy/local-cluster/cluster.ts';
import { startCluster } from '../../deploy/local-cluster/start-cluster.ts';
import { run } from '../../src/agent/command.ts';
import { create, launch } from '../lifecycle/api.ts';
import { concurrently, repeat } from '../measure.ts';
import { type Findings, findings, type Options, type Row } from '../report.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const IMAGE = 'busybox';
const WIDTH = 8;
/** Measured with 250 stopped and 50 running ones. */
const LXD = { list: { 'LXD 5.0.2': '1408 (REST)' }, memory: { 'LXD 5.0.2': '260' } };

export async function bench({ quick, say }: Options): Promise<Findings> {
  const dir = join(ROOT, 'var/bench-api');
  await mkdir(join(ROOT, 'var'), { recursive: true });
  const cluster = await startCluster({ dir, say });
  const api = openApi(cluster.socketPath);
  const running = quick ? 10 : 50;
  const stopped = quick ? 50 : 250;
  try {
    const image = join(dir, 'busybox.tar.gz');
    await buildBusyboxImage(image);
    await run(join(ROOT, 'bin/berth'), ['image', 'import', image, '--alias', IMAGE], {
      env: { BERTH_SOCKET: cluster.socketPath, BERTH_CONF: join(dir, 'config.yml') },
    });
    say(`${running} running and ${stopped} stopped instances`);
    await concurrently(names('r', running), WIDTH, name => launch(api, name, IMAGE));
    await concurrently(names('s', stopped), WIDTH, name => create(api, name, IMAGE));
    const what = `${running + stopped} (${running} running)`;
    const times = quick ? 5 : 30;
    const list = await repeat(times, () => api.get('/1.0/instances', { recursion: 2 }));
    const requests = Array.from({ length: quick ? 500 : 10_000 }, (_, at) => at);
    const one = await reader(cluster.socketPath, WIDTH, get =>
      concurrently(requests, WIDTH, () => get('/1.0/instances/r1')),
    );
    return findings([
      {
        what: `list of ${what}, recursion 2, the first`,
        unit: 'ms',
        values: list.slice(0, 1),
        peers: quick ? {} : LXD.list,
      },
      { what: `list of ${what}, recursion 2`, unit: 'ms', values: list.slice(1), peers: quick ? {} : LXD.list },
      { what: `one instance, ${WIDTH} at once`, unit: '/s', values: [one.perSecond] },
      ...(await memory(cluster)),
    ]);
  } finally {
    api.close();
    await cluster.stop();
  }
}

const names = (letter: string, count: number) => Array.from({ length: count }, (_, at) => `${letter}${at}`);

/** A client that does nothing but read: Berth's own parses each answer, which costs more than sending it. */
async function reader<T>(
  socketPath: string,
  width: number,
  use: (get: (path: string) => Promise<void>) => Promise<T>,
): Promise<T> {
  const agent = new Agent({ keepAlive: true, maxSockets: width });
  const get = (path: string) =>
    new Promise<void>((done, fail) => {
      request({ socketPath, path, agent }, response => response.resume().on('end', done))
        .on('error', fail)
        .end();
    });
  try {
    return await use(get);
  } finally {
    agent.destroy();
  }
}

/** Resident memory, as `ps` shows it. */
async function memory(cluster: Cluster): Promise<readonly Row[]> {
  const { controller, agents } = cluster.state;
  const mib = async (pid: number) => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  };
  return [
    {
      what: 'memory of the controller',
      unit: 'MiB',
      values: controller === undefined ? [] : [await mib(controller.pid)],
      peers: LXD.memory,
    },
    {
      what: 'memory of an agent',
      unit: 'MiB',
      values: await Promise.all(Object.values(agents).map(({ pid }) => mib(pid))),
    },
  ];
}
