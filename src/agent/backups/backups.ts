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
import { instanceVolume } from '../storage/volume.ts';
import { writeBackup } from './backup-file.ts';
import { backupTar } from './backup-tar.ts';
import { unpackBackup } from './read-backup.ts';

/** Repeatable: what is there is not made again. The instance stands still only as long as for a snapshot. */
export async function ensureBackup(host: Host, request: EnsureBackupRequest, report: Report): Promise<void> {
  const entry = host.ledger.expect(parseRef(request.ref));
  const { id } = entry.spec;
  const driver = host.pools.get(entry.pool);
  const volume = instanceVolume(id);
  const moment = checkId(request.backup);
  const snapshots = request.snapshots.map(({ name, id: snapshot }) => ({ name: plain(name), id: checkId(snapshot) }));
  const tar = async function* () {
    const roots = [{ folder: 'backup/container/rootfs', path: await driver.snapshotPath(volume, moment) }];
    for (const each of snapshots) {
      roots.push({
        folder: `backup/snapshots/${each.name}/rootfs`,
        path: await driver.snapshotPath(volume, each.id),
      });
    }
    const texts = { 'backup/index.yaml': request.index, 'backup/container/backup.yaml': request.config };
    let bytes = 0;
    for await (const chunk of backupTar(texts, roots, idMapOf(host, entry.spec))) {
      bytes += chunk.length;
      report({ phase: 'backup', bytes: BigInt(bytes) });
      yield chunk;
    }
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

/** Root and snapshots of a new instance; what is there of an earlier try must have been removed. */
export async function makeFromBackup(host: Host, driver: StorageDriver, spec: Spec, order: BackupOrder): Promise<void> {
  const idMap = idMapOf(host, spec);
  const { file, idBase } = order;
  const volume = instanceVolume(spec.id);
  for (const [name, id] of Object.entries(order.snapshots)) {
    const aside = instanceVolume(id);
    await driver.remove(aside);
    try {
      await driver.createEmpty(aside, idMap);
      const folder = await driver.activate(aside);
      await unpackBackup({
        file,
        root: `backup/snapshots/${name}/rootfs`,
        folder,
        idMap,
        idBase: order.snapshotIdBases[name] ?? 0,
      });
      await driver.snapshot(aside, id);
      await driver.copySnapshot(aside, id, volume, id);
    } finally {
      await driver.remove(aside);
    }
  }
  await driver.createEmpty(volume, idMap);
  const folder = await driver.activate(volume);
  await unpackBackup({ file, root: 'backup/container/rootfs', folder, idMap, idBase });
}

/** A snapshot's name as part of a path in an archive. */
function plain(name: string): string {
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0') || name.length > 63)
    fail('invalid', `"${name}" cannot be the name of a snapshot`);
  return name;
}
