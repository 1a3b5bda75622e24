/**
 * The life of instances on a local cluster of three hosts beside a real LXD in the same run (btrfs and a network card in
 * both): by Debian's `lxc`, by each one's own client, by REST; while they fill up; and with 8 clients at once.
 */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { buildBusyboxImage } from '../../deploy/images/busybox.ts';
import { concurrently } from '../measure.ts';
import { type Findings, findings, type Options, type Row } from '../report.ts';
import { startBerth } from '../subjects/berth.ts';
import { startRealLxd } from '../subjects/lxd.ts';
import { inTurns, row, type Subject } from '../subjects/subject.ts';
import { changeState, create, launch, remove } from './api.ts';

const IMAGE = 'busybox';
const WIDTH = 8;

export async function bench({ quick, only, say }: Options): Promise<Findings> {
  const dir = resolve(import.meta.dirname, '../../var/bench');
  await mkdir(dir, { recursive: true });
  const image = join(dir, 'busybox.tar.gz');
  await buildBusyboxImage(image);
  const berth = await startBerth(join(dir, 'berth'), image, IMAGE, say);
  try {
    const lxd = await startRealLxd(join(dir, 'lxd'), image, IMAGE);
    const both = [berth, lxd];
    const wanted = (part: string) => only === '' || only.split(',').includes(part);
    try {
      return findings([
        ...(wanted('singles') ? await singles(both, quick ? 4 : 12, say) : []),
        ...(wanted('lists') ? await lists(both, quick ? [10, 30] : [10, 100, 300], quick ? 4 : 10, say) : []),
        ...(wanted('launches') ? await launches(both, quick ? 16 : 40, say) : []),
      ]);
    } finally {
      await lxd.close();
    }
  } finally {
    await berth.close();
  }
}

/** One at a time. */
async function singles(
  subjects: readonly Subject[],
  times: number,
  say: (line: string) => void,
): Promise<readonly Row[]> {
  const name = (index: number) => `s${index}`;
  const rows: Row[] = [];
  for (const client of ['lxc', 'cli'] as const) {
    say(`single commands by ${client === 'lxc' ? 'lxc' : "each one's own client"}, ${times} of each`);
    const title = (what: string) => (client === 'lxc' ? `lxc ${what}` : `berth ${what}`);
    const each = (count: number, words: (name: string) => readonly string[]) =>
      inTurns(subjects, count, (subject, i) => subject[client](...words(name(i % times))));
    rows.push(
      row(title('launch'), 'ms', await each(times, n => ['launch', IMAGE, n])),
      row(title('exec -- true'), 'ms', await each(2 * times, n => ['exec', n, '--', 'true']), '<= 1'),
      row(title('stop -f'), 'ms', await each(times, n => ['stop', '-f', n]), '<= 0.3'),
      row(title('start'), 'ms', await each(times, n => ['start', n])),
      row(title('delete -f (running)'), 'ms', await each(times, n => ['delete', '-f', n])),
      row(title('init'), 'ms', await each(times, n => ['init', IMAGE, n])),
      row(title('delete (stopped)'), 'ms', await each(times, n => ['delete', n])),
    );
  }
  say(`the same by REST`);
  const rest = (work: (api: Subject['api'], name: string) => Promise<unknown>) =>
    inTurns(subjects, times, ({ api }, i) => work(api, name(i)));
  rows.push(
    row('REST launch', 'ms', await rest((api, n) => launch(api, n, IMAGE)), '<= 0.5'),
    row('REST stop -f', 'ms', await rest((api, n) => changeState(api, n, 'stop')), '<= 0.3'),
    row('REST start', 'ms', await rest((api, n) => changeState(api, n, 'start'))),
    row('REST stop -f, again', 'ms', await rest((api, n) => changeState(api, n, 'stop')), '<= 0.3'),
    row('REST delete (stopped)', 'ms', await rest(remove)),
    row('REST create', 'ms', await rest((api, n) => create(api, n, IMAGE))),
  );
  await rest(remove);
  return rows;
}

/** Lists while both fill with stopped instances, and how fast they fill. */
async function lists(
  subjects: readonly Subject[],
  sizes: readonly number[],
  times: number,
  say: (line: string) => void,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const names: string[] = [];
  for (const size of sizes) {
    say(`${size} instances`);
    const added = Array.from({ length: size - names.length }, (_, i) => `l${names.length + i}`);
    names.push(...added);
    const made: Record<string, number[]> = {};
    for (const { name, api } of subjects)
      made[name] = [(await concurrently(added, WIDTH, n => create(api, n, IMAGE))).perSecond];
    rows.push(
      row(`REST create, ${WIDTH} at once, to ${size}`, '/s', made),
      row(`lxc list of ${size}`, 'ms', await inTurns(subjects, times, s => s.lxc('list'))),
      row(`berth list of ${size} (beside lxc list)`, 'ms', await inTurns(subjects, times, s => s.cli('list')), '< 1'),
      row(
        `REST list of ${size}, recursion 2`,
        'ms',
        await inTurns(subjects, times, ({ api }) => api.get('/1.0/instances', { recursion: 2 })),
      ),
    );
  }
  const gone: Record<string, number[]> = {};
  for (const { name, api } of subjects)
    gone[name] = [(await concurrently(names, WIDTH, n => remove(api, n))).perSecond];
  return [...rows, row(`REST delete, ${WIDTH} at once`, '/s', gone)];
}

async function launches(
  subjects: readonly Subject[],
  count: number,
  say: (line: string) => void,
): Promise<readonly Row[]> {
  say(`${count} launches, ${WIDTH} at once`);
  const names = Array.from({ length: count }, (_, i) => `c${i}`);
  const rates: Record<string, number[]> = {};
  const latencies: Record<string, readonly number[]> = {};
  for (const { name, api } of subjects) {
    const { latenciesMs, perSecond } = await concurrently(names, WIDTH, n => launch(api, n, IMAGE));
    rates[name] = [perSecond];
    latencies[name] = latenciesMs;
    await concurrently(names, WIDTH, n => changeState(api, n, 'stop').then(() => remove(api, n)));
  }
  return [
    row(`REST launch, ${WIDTH} at once`, '/s', rates),
    row(`REST launch, ${WIDTH} at once: latency`, 'ms', latencies),
  ];
}
