import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { AppError } from '../../../domain/errors.ts';
import { at, lastSegment } from '../../api/path.ts';
import type { Session } from '../../session.ts';

interface ExportOptions {
  readonly volumeOnly?: boolean;
  readonly optimizedStorage?: boolean;
  readonly compression?: string;
  readonly target?: string;
}

/** As with lxc: should we end in the middle, the server removes the archive by itself. */
const KEEP_MS = 24 * 3600 * 1000;

/** `export` and `import` of custom volumes. */
export function defineVolumeArchives(group: Command, session: Session): void {
  group
    .command('export')
    .description('Put a storage volume with its snapshots into an archive')
    .argument('<pool>')
    .argument('<volume>')
    .argument('[file]', 'the archive; default: VOLUME.tar.gz here')
    .option('--volume-only', 'without its snapshots')
    .option('--optimized-storage', 'in the format of its storage driver, where the server has one')
    .option('--compression <algorithm>', 'none, gzip, xz, zstd, bzip2 or lzma')
    .option('--target <host>', 'where the volume is')
    .action(async (reference: string, volume: string, file: string | undefined, options: ExportOptions) => {
      const { client, name: pool } = await session.resolve(reference);
      const query = { target: options.target };
      const body = {
        name: '',
        expires_at: new Date(Date.now() + KEEP_MS).toISOString(),
        volume_only: options.volumeOnly === true,
        optimized_storage: options.optimizedStorage === true,
        compression_algorithm: options.compression ?? '',
      };
      const operation = await session.perform(client, `Backing up ${volume}`, () =>
        client.send('POST', at`storage-pools/${pool}/volumes/custom/${volume}/backups`, { body, query }),
      );
      const made = operation?.resources?.backups?.[0];
      if (made === undefined) throw new AppError('internal', 'the server does not say what the backup is called');
      const backup = lastSegment(made);
      const path = at`storage-pools/${pool}/volumes/custom/${volume}/backups/${backup}`;
      const target = file ?? `${volume}.tar${options.compression === 'none' ? '' : '.gz'}`;
      const part = `${target}.part`;
      try {
        await pipeline(await client.download(`${path}/export`, query), createWriteStream(part, { mode: 0o600 }));
        await rename(part, target);
      } finally {
        await rm(part, { force: true });
        await session.perform(client, 'Removing the backup', () => client.send('DELETE', path, { query }));
      }
      session.print(`${volume} is in ${target}`);
    });
  group
    .command('import')
    .description('Make a storage volume of an archive')
    .argument('<pool>')
    .argument('<file>')
    .argument('[name]', 'of the volume, if it is another one')
    .option('--target <host>', 'where it shall be')
    .action(async (reference: string, file: string, name: string | undefined, { target }: { target?: string }) => {
      const { client, name: pool } = await session.resolve(reference);
      const found = await stat(file).catch(() => undefined);
      if (!found?.isFile()) throw new AppError('invalid', `There is no file ${file}`);
      const headers = {
        'Content-Type': 'application/octet-stream',
        ...(name === undefined ? {} : { 'X-LXD-name': name }),
      };
      await session.perform(client, `Importing ${file}`, () =>
        client.send('POST', at`storage-pools/${pool}/volumes/custom`, {
          stream: createReadStream(file),
          headers,
          query: { target },
        }),
      );
    });
}
