import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../../domain/errors.ts';
import { at, lastSegment } from '../api/path.ts';
import type { Define } from '../command-table.ts';

interface Options {
  readonly instanceOnly?: boolean;
  readonly optimizedStorage?: boolean;
  readonly compression?: string;
}

/** As with lxc: should we end in the middle, the server removes the archive by itself. */
const KEEP_MS = 24 * 3600 * 1000;

export const define: Define = (command, session) => {
  command
    .usage('[REMOTE:]INSTANCE [FILE] [options]')
    .argument('<instance>', 'the instance; it may run meanwhile')
    .argument('[file]', 'the archive; default: INSTANCE.tar.gz here')
    .option('--instance-only', 'without its snapshots')
    .option('--optimized-storage', 'in the format of its storage driver, where the server has one')
    .option('--compression <algorithm>', 'none, gzip, xz, zstd, bzip2 or lzma')
    .action(async (reference: string, file: string | undefined, options: Options) => {
      const { client, name } = await session.resolve(reference);
      const body = {
        name: '',
        expires_at: new Date(Date.now() + KEEP_MS).toISOString(),
        instance_only: options.instanceOnly === true,
        optimized_storage: options.optimizedStorage === true,
        compression_algorithm: options.compression ?? '',
      };
      const backups = at`instances/${name}/backups`;
      const operation = await session.perform(client, `Backing up ${name}`, () =>
        client.send('POST', backups, { body }),
      );
      const made = operation?.resources?.backups?.[0];
      if (made === undefined) throw new AppError('internal', 'the server does not say what the backup is called');
      const path = at`instances/${name}/backups/${lastSegment(made)}`;
      const target = file ?? `${name}.tar${options.compression === 'none' ? '' : '.gz'}`;
      const part = `${target}.part`;
      try {
        await pipeline(await client.download(`${path}/export`), createWriteStream(part, { mode: 0o600 }));
        await rename(part, target);
      } finally {
        await rm(part, { force: true });
        await session.perform(client, 'Removing the backup', () => client.send('DELETE', path));
      }
      session.print(`${name} is in ${target}`);
    });
};
