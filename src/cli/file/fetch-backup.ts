import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { AppError } from '../../domain/errors.ts';
import type { Client } from '../api/client.ts';
import { lastSegment } from '../api/path.ts';
import type { Session } from '../session.ts';

export interface BackupOptions {
  readonly optimizedStorage?: boolean;
  readonly compression?: string;
}

/** As with lxc: should we end in the middle, the server removes the archive by itself. */
const KEEP_MS = 24 * 3600 * 1000;

export function backupOptions(command: Command): Command {
  return command
    .option('--optimized-storage', 'in the format of its storage driver, where the server has one')
    .option('--compression <algorithm>', 'none, gzip, xz, zstd, bzip2 or lzma');
}

export interface BackupOrder extends BackupOptions {
  /** What it is of. */
  readonly name: string;
  /** Where its backups are in the API. */
  readonly path: string;
  /** Named by the API: without snapshots. */
  readonly only: Readonly<Record<string, boolean>>;
  /** The archive; default: NAME.tar.gz here. */
  readonly file: string | undefined;
  /** The host that it is on. */
  readonly target?: string | undefined;
}

/** Has a backup made, fetches it, and has it removed: it is there whole, or not at all. */
export async function fetchBackup(session: Session, client: Client, order: BackupOrder): Promise<void> {
  const { name, path, only, optimizedStorage = false, compression = '' } = order;
  const query = { target: order.target };
  const body = {
    name: '',
    expires_at: new Date(Date.now() + KEEP_MS).toISOString(),
    ...only,
    optimized_storage: optimizedStorage,
    compression_algorithm: compression,
  };
  const operation = await session.perform(client, `Backing up ${name}`, () =>
    client.send('POST', path, { body, query }),
  );
  const made = operation?.resources?.backups?.[0];
  if (made === undefined) throw new AppError('internal', 'the server does not say what the backup is called');
  const backup = `${path}/${encodeURIComponent(lastSegment(made))}`;
  const file = order.file ?? `${name}.tar${compression === 'none' ? '' : '.gz'}`;
  const part = `${file}.part`;
  try {
    await pipeline(await client.download(`${backup}/export`, query), createWriteStream(part, { mode: 0o600 }));
    await rename(part, file);
  } finally {
    await rm(part, { force: true });
    await session.perform(client, 'Removing the backup', () => client.send('DELETE', backup, { query }));
  }
  session.print(`${name} is in ${file}`);
}
