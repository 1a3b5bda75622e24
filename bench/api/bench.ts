/**
 * Reading 300 instances, 50 of them running, through the API, kept-alive on the unix socket, from a cluster of three hosts
 * and from a real LXD in the same run; and what their processes hold in memory then.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join, resolve } from 'node:path';
import { buildBusyboxImage } from '../../deploy/images/busybox.ts';
import { create, launch } from '../lifecycle/api.ts';
import { concurrently } from '../measure.ts';
import { type Findings, findings, type Options, type Row } from '../report.ts';
import { startBerth } from '../subjects/berth.ts';
import { startRealLxd } from '../subjects/lxd.ts';
import { inTurns, row, type Subject } from '../subjects/subject.ts';

const IMAGE = 'busybox';
const WIDTH = 8;

export async function bench({ quick, say }: Options): Promise<Findings> {
  const dir = resolve(import.meta.dirname, '../../var/bench');
  await mkdir(dir, { recursive: true });
  const image = join(dir, 'busybox.tar.gz');
  await buildBusyboxImage(image);
  const berth = await startBerth(join(dir, 'berth'), image, IMAGE, say);
  try {
    const lxd = await startRealLxd(join(dir, 'lxd'), image, IMAGE);
    try {
      return findings(await readings(berth, lxd, quick, say));
    } finally {
      await lxd.close();
    }
  } finally {
    await berth.close();
  }
}

async function readings(
  berth: Subject,
  lxd: Subject,
  quick: boolean,
  say: (line: string) => void,
): Promise<readonly Row[]> {
  const running = quick ? 10 : 50;
  const stopped = quick ? 50 : 250;
  for (const { name, api } of [berth, lxd]) {
    say(`${name}: ${running} running and ${stopped} stopped instances`);
    await concurrently(names('r', running), WIDTH, n => launch(api, n, IMAGE));
    await concurrently(names('s', stopped), WIDTH, n => create(api, n, IMAGE));
  }
  const what = `${running + stopped} (${running} running)`;
  const list = (times: number) =>
    inTurns([berth, lxd], times, ({ api }) => api.get('/1.0/instances', { recursion: 2 }));
  const first = await list(1);
  const lists = await list(quick ? 5 : 20);
  const byLxc = await inTurns([berth, lxd], quick ? 3 : 10, subject => subject.lxc('list'));
  const byOwn = await inTurns([berth, lxd], quick ? 3 : 10, subject => subject.cli('list'));
  const one: Record<string, number[]> = {};
  for (const { name, socketPath } of [berth, lxd]) one[name] = [await readsPerSecond(socketPath, quick ? 500 : 10_000)];
  return [
    row(`list of ${what}, recursion 2, the first`, 'ms', first),
    row(`list of ${what}, recursion 2`, 'ms', lists, '<= 0.05'),
    row(`lxc list of ${what}`, 'ms', byLxc),
    row(`berth list of ${what} (beside lxc list)`, 'ms', byOwn, '< 1'),
    row(`one instance, ${WIDTH} at once`, '/s', one, '>= 5000 /s'),
    ...(await memory(berth, lxd)),
  ];
}

const names = (letter: string, count: number) => Array.from({ length: count }, (_, at) => `${letter}${at}`);

/** By a client that does nothing but read: Berth's own parses each answer, which costs more than sending it. */
async function readsPerSecond(socketPath: string, count: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: WIDTH });
  const get = () =>
    new Promise<void>((done, fail) => {
      request({ socketPath, path: '/1.0/instances/r1', agent }, response => response.resume().on('end', done))
        .on('error', fail)
        .end();
    });
  try {
    return (
      await concurrently(
        Array.from({ length: count }, (_, at) => at),
        WIDTH,
        get,
      )
    ).perSecond;
  } finally {
    agent.destroy();
  }
}

/** Resident memory, as `ps` shows it. */
async function memory(berth: Subject, lxd: Subject): Promise<readonly Row[]> {
  const mib = async (pid: number) => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  };
  const of = (pids: readonly number[] = []) => Promise.all(pids.map(mib));
  const theirs = { [lxd.name]: await of(lxd.processes['the daemon']) };
  const rows: Row[] = [];
  for (const [name, pids] of Object.entries(berth.processes))
    rows.push({ what: `memory of ${name}`, unit: 'MiB', values: await of(pids), peers: theirs, goal: '<= 150 MiB' });
  return rows;
}
