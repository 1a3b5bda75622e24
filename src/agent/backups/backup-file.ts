/** The files of backups on this host: where one is, how it is made whole or not at all, and how it is fetched. */
import { createReadStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../domain/errors.ts';
import { run } from '../command.ts';
import { writePacked } from '../compress.ts';
import type { DataPlane } from '../data-plane/listener.ts';
import type { Host } from '../host.ts';
import { checkId } from '../spec.ts';
import { isThere } from '../storage/layout.ts';

/** Params: backup. One question; the answer is `{sizeBytes}` with the file as its body. */
export const BACKUP_STREAM = 'backup-download';

const READ_BYTES = 1024 * 1024;

const pathOf = ({ paths }: Pick<Host, 'paths'>, backup: string): string => join(paths.backups, checkId(backup));

/** Does nothing if the file is there. @param tar makes its content */
export async function writeBackup(
  host: Pick<Host, 'paths'>,
  backup: string,
  compression: string,
  tar: () => AsyncIterable<Buffer>,
): Promise<void> {
  const path = pathOf(host, backup);
  if (await isThere(path)) return;
  const part = `${path}.part`;
  try {
    await writePacked(part, compression, tar);
    await rename(part, path);
    await run('sync', ['-f', host.paths.backups], { timeoutMs: 600_000 });
  } finally {
    await rm(part, { force: true });
  }
}

/** Succeeds if there is none. */
export async function removeBackup(host: Pick<Host, 'paths'>, backup: string): Promise<void> {
  await rm(pathOf(host, backup), { force: true });
  await rm(`${pathOf(host, backup)}.part`, { force: true });
}

export function serveBackups(plane: DataPlane, host: Pick<Host, 'paths'>): void {
  plane.handle(BACKUP_STREAM, async ({ channel, params }) => {
    const path = pathOf(host, params.backup ?? '');
    if ((await channel.receive()) === undefined) return;
    if (!(await isThere(path))) fail('not-found', 'The backup is not on this host any more: make it again');
    const { size } = await stat(path);
    await channel.reply({ sizeBytes: size }, createReadStream(path, { highWaterMark: READ_BYTES }));
  });
}
