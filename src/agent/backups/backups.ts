/** The verbs on backups: one is made of an instance as it is at one moment, also while it runs, with its snapshots. */
import { fail } from '../../domain/errors.ts';
import type { FromBackup } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import type { EnsureBackupRequest } from '../../rpc/gen/berth/agent/v1/backups_pb.ts';
import type { Host } from '../host.ts';
import { idMapOf } from '../instance-files.ts';
import type { Report } from '../progress.ts';
import { whileStill } from '../snapshots/while-still.ts';
import { checkId, parseRef, type Spec } from '../spec.ts';
import type { StorageDriver } from '../storage/driver.ts';
import type { IdMap } from '../storage/id-map.ts';
import { instanceVolume, type Volume } from '../storage/volume.ts';
import { writeBackup } from './backup-file.ts';
import { type BackupRoot, backupTar } from './backup-tar.ts';
import { unpackBackup } from './read-backup.ts';

/** Repeatable: what is there is not made again. The instance stands still only as long as for a snapshot. */
export async function ensureBackup(host: Host, request: EnsureBackupRequest, report: Report): Promise<void> {
  const entry = host.ledger.expect(parseRef(request.ref));
  const { id } = entry.spec;
  const driver = host.pools.get(entry.pool);
  const volume = instanceVolume(id);
  const moment = checkId(request.backup);
  const snapshots = namesOf(request.snapshots);
  const tar = async function* () {
    const roots = [
      { folder: INSTANCE.root, path: await driver.snapshotPath(volume, moment) },
      ...(await snapshotRoots(driver, volume, snapshots, INSTANCE)),
    ];
    const texts = { 'backup/index.yaml': request.index, 'backup/container/backup.yaml': request.config };
    yield* counted(backupTar(texts, roots, idMapOf(host, entry.spec)), report);
  };
  try {
    await host.locks.run(id, async () => {
      if (host.isMoving(id)) fail('busy', `instance ${id} is being moved`);
      await whileStill(host, id, driver, () => driver.snapshot(volume, moment));
    });
    await writeBackup(host, moment, request.compression, tar);
  } finally {
    await driver.removeSnapshot(volume, moment);
  }
}

export interface BackupOrder {
  /** The uploaded archive. */
  readonly file: string;
  /** Names in the archive, and what they are here. */
  readonly snapshots: Readonly<Record<string, string>>;
  readonly idBase: number;
  /** The same of each snapshot: LXD shifts a root when it is started, and its older snapshots never. */
  readonly snapshotIdBases: Readonly<Record<string, number>>;
}

/** @throws AppError `invalid` */
export function parseBackup(message: FromBackup, file: string): BackupOrder {
  const snapshots = Object.entries(message.snapshots).map(([name, id]) => [plain(name), checkId(id)]);
  return {
    file,
    snapshots: Object.fromEntries(snapshots),
    idBase: message.idBase,
    snapshotIdBases: { ...message.snapshotIdBases },
  };
}

/** Where the trees are in an archive. */
export interface Layout {
  readonly root: string;
  readonly snapshot: (name: string) => string;
}
const INSTANCE: Layout = { root: 'backup/container/rootfs', snapshot: name => `backup/snapshots/${name}/rootfs` };

/** Root and snapshots of a new instance; what is there of an earlier try must have been removed. */
export const makeFromBackup = (host: Host, driver: StorageDriver, spec: Spec, order: BackupOrder): Promise<void> =>
  unpackInto(driver, instanceVolume, spec.id, idMapOf(host, spec), order, INSTANCE);

/** The same for any tree of a pool. @param volumeOf a tree by its id, also one that is only there meanwhile */
export async function unpackInto(
  driver: StorageDriver,
  volumeOf: (id: string) => Volume,
  id: string,
  idMap: IdMap | undefined,
  { file, idBase, snapshots, snapshotIdBases }: BackupOrder,
  layout: Layout,
): Promise<void> {
  const volume = volumeOf(id);
  for (const [name, snapshot] of Object.entries(snapshots)) {
    const aside = volumeOf(snapshot);
    await driver.remove(aside);
    try {
      await driver.createEmpty(aside, idMap);
      const folder = await driver.activate(aside);
      const base = snapshotIdBases[name] ?? 0;
      await unpackBackup({ file, root: layout.snapshot(name), folder, idMap, idBase: base });
      await driver.snapshot(aside, snapshot);
      await driver.copySnapshot(aside, snapshot, volume, snapshot);
    } finally {
      await driver.remove(aside);
    }
  }
  await driver.createEmpty(volume, idMap);
  await unpackBackup({ file, root: layout.root, folder: await driver.activate(volume), idMap, idBase });
}

/** @throws AppError `invalid` */
export const namesOf = (snapshots: readonly { readonly name: string; readonly id: string }[]) =>
  snapshots.map(({ name, id }) => ({ name: plain(name), id: checkId(id) }));

export async function snapshotRoots(
  driver: StorageDriver,
  volume: Volume,
  snapshots: readonly { readonly name: string; readonly id: string }[],
  layout: Layout,
): Promise<readonly BackupRoot[]> {
  const roots: BackupRoot[] = [];
  for (const { name, id } of snapshots)
    roots.push({ folder: layout.snapshot(name), path: await driver.snapshotPath(volume, id) });
  return roots;
}

export async function* counted(tar: AsyncIterable<Buffer>, report: Report): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of tar) {
    bytes += chunk.length;
    report({ phase: 'backup', bytes: BigInt(bytes) });
    yield chunk;
  }
}

/** A snapshot's name as part of a path in an archive. */
function plain(name: string): string {
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0') || name.length > 63)
    fail('invalid', `"${name}" cannot be the name of a snapshot`);
  return name;
}
