/**
 * How long an instance stands still when it moves: seen by a client outside and by a clock inside, for sizes of memory, idle
 * and writing, small and with systemd, on both kinds of storage. Beside it, in the same run, the same by hand.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { buildBusyboxImage } from '../../deploy/images/busybox.ts';
import { buildDebianImage } from '../../deploy/images/debian.ts';
import { openApi } from '../../deploy/local-cluster/api.ts';
import type { Cluster } from '../../deploy/local-cluster/cluster.ts';
import type { StorageDriver } from '../../deploy/local-cluster/host-namespace.ts';
import { startCluster } from '../../deploy/local-cluster/start-cluster.ts';
import { run } from '../../src/agent/command.ts';
import type { Findings, Options } from '../report.ts';
import { moveByHand } from './by-hand.ts';
import { connectClient } from './client.ts';
import { type Berth, berthOf, type Image, type Load, launchGuest } from './guest.ts';
import { drawPhases } from './phases.ts';
import { compilePrograms, type Programs } from './programs.ts';
import { byHandRow, type MigrationRow, rowOf, tableOf } from './rows.ts';
import { moveToAndFro, type Trial } from './trial.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const TIMES = { full: 20, quick: 4 };
const SIZES_MIB = [10, 256, 1024, 4096];
/** Of 4 GiB half as many: each takes half a minute, nearly all of it without a pause. */
const BIG_MIB = 4096;

export interface Combination extends Load {
  readonly image: Image;
  readonly storage: StorageDriver;
  readonly mode: 'auto' | 'post-copy' | 'stop-and-copy';
}

const nameOf = ({ image, storage, mode, memoryMiB, writing }: Combination): string =>
  `${image} ${storage} ${mode} ${memoryMiB} MiB ${writing === 0 ? 'idle' : 'writing'}`;

/** All of them; `auto` first, then what is forced for comparison. */
function combinations(): readonly Combination[] {
  const all: Combination[] = [];
  for (const storage of ['btrfs', 'dir'] as const)
    for (const image of ['busybox', 'debian'] as const)
      for (const memoryMiB of SIZES_MIB)
        for (const writing of [0, 100]) all.push({ image, storage, mode: 'auto', memoryMiB, writing });
  for (const memoryMiB of [10, 256, 1024])
    for (const mode of ['stop-and-copy', 'post-copy'] as const)
      all.push({ image: 'busybox', storage: 'btrfs', mode, memoryMiB, writing: 0 });
  return all;
}

export async function bench({ quick, only, say }: Options): Promise<Findings> {
  const wanted = combinations().filter(
    each => only.split(',').some(part => nameOf(each).includes(part)) && (!quick || each.memoryMiB <= 256),
  );
  const found: { readonly combination: Combination; readonly trial: Trial }[] = [];
  const byHand: MigrationRow[] = [];
  const folder = join(ROOT, 'var/bench');
  await mkdir(folder, { recursive: true });
  const programs = await compilePrograms(folder);
  for (const storage of ['btrfs', 'dir'] as const) {
    const here = wanted.filter(each => each.storage === storage);
    if (here.length === 0) continue;
    await withCluster(folder, storage, here, say, async (cluster, berth) => {
      if (byHand.length === 0) byHand.push(...(await floor(cluster, programs, folder, quick, say)));
      for (const combination of here) {
        const times = quick ? TIMES.quick : combination.memoryMiB === BIG_MIB ? TIMES.full / 2 : TIMES.full;
        const trial = await tryOut(cluster, berth, programs, combination, times);
        found.push({ combination, trial });
        say(tableOf([rowOf(combination, trial)])[1]!.join('  '));
        for (const failure of trial.failures) say(`  failed: ${failure}`);
      }
    });
  }
  const rows = [...byHand, ...found.map(({ combination, trial }) => rowOf(combination, trial))];
  const picture = drawPhases(found.map(({ combination, trial: { moves } }) => ({ name: nameOf(combination), moves })));
  return { rows, table: tableOf(rows), picture };
}

async function withCluster(
  folder: string,
  storage: StorageDriver,
  here: readonly Combination[],
  say: (line: string) => void,
  work: (cluster: Cluster, berth: Berth) => Promise<void>,
): Promise<void> {
  const cluster = await startCluster({ dir: join(ROOT, 'var/bench-migration'), hosts: 2, storage });
  const interrupt = () => void cluster.stop().finally(() => process.exit(130));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    const env = { BERTH_SOCKET: cluster.socketPath, BERTH_CONF: join(folder, 'config.yml') };
    const berth = berthOf(join(ROOT, 'bin/berth'), env);
    for (const image of new Set(here.map(each => each.image))) {
      const file = await imageFile(folder, image, say);
      await berth(['image', 'import', file, '--alias', image]);
    }
    await work(cluster, berth);
  } finally {
    await cluster.stop();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

/** Built once, and kept for the next run. */
async function imageFile(folder: string, image: Image, say: (line: string) => void): Promise<string> {
  const file = join(folder, `${image}.image`);
  if (existsSync(file)) return file;
  say(`building the ${image} image`);
  await (image === 'busybox' ? buildBusyboxImage(file) : buildDebianImage(file));
  return file;
}

async function tryOut(
  cluster: Cluster,
  berth: Berth,
  programs: Programs,
  combination: Combination,
  times: number,
): Promise<Trial> {
  const api = openApi(cluster.socketPath);
  try {
    const address = await launchGuest({ api, berth, program: programs.load }, 'm', combination.image, combination);
    const client = await connectClient(cluster, programs.client, address);
    try {
      return await moveToAndFro(api, client, 'm', { times, mode: combination.mode });
    } finally {
      client.stop();
    }
  } finally {
    api.close();
    await berth(['delete', '-f', 'm'], { allowFailure: true });
  }
}

async function floor(
  cluster: Cluster,
  programs: Programs,
  folder: string,
  quick: boolean,
  say: (line: string) => void,
): Promise<readonly MigrationRow[]> {
  const image = await imageFile(folder, 'busybox', say);
  const rows: MigrationRow[] = [];
  for (const memoryMiB of quick ? [10] : [10, 256]) {
    const unpacked = await mkdtemp('/dev/shm/berth-root-');
    try {
      await run('tar', ['-xf', image, '-C', unpacked]);
      await run('chown', ['-R', '1000000:1000000', unpacked]);
      await run('chmod', ['755', unpacked]);
      const times = quick ? TIMES.quick : TIMES.full;
      const pauses = await moveByHand(cluster, programs, { rootfs: join(unpacked, 'rootfs'), times, memoryMiB });
      rows.push(byHandRow(memoryMiB, pauses));
      say(tableOf([rows.at(-1)!])[1]!.join('  '));
    } finally {
      await rm(unpacked, { recursive: true, force: true });
    }
  }
  return rows;
}
