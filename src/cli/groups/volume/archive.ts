import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { AppError } from '../../../domain/errors.ts';
import { at } from '../../api/path.ts';
import { type BackupOptions, backupOptions, fetchBackup } from '../../file/fetch-backup.ts';
import type { Session } from '../../session.ts';

interface ExportOptions extends BackupOptions {
  readonly volumeOnly?: boolean;
  readonly target?: string;
}

/** `export` and `import` of custom volumes. */
export function defineVolumeArchives(group: Command, session: Session): void {
  backupOptions(group.command('export'))
    .description('Put a storage volume with its snapshots into an archive')
    .argument('<pool>')
    .argument('<volume>')
    .argument('[file]', 'the archive; default: VOLUME.tar.gz here')
    .option('--volume-only', 'without its snapshots')
    .option('--target <host>', 'where the volume is')
    .action(async (reference: string, name: string, file: string | undefined, options: ExportOptions) => {
      const { volumeOnly = false, ...others } = options;
      const { client, name: pool } = await session.resolve(reference);
      const path = at`storage-pools/${pool}/volumes/custom/${name}/backups`;
      await fetchBackup(session, client, { ...others, name, path, file, only: { volume_only: volumeOnly } });
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
