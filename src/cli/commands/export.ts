import { at } from '../api/path.ts';
import type { Define } from '../command-table.ts';
import { type BackupOptions, backupOptions, fetchBackup } from '../file/fetch-backup.ts';

interface Options extends BackupOptions {
  readonly instanceOnly?: boolean;
}

export const define: Define = (command, session) => {
  backupOptions(command)
    .usage('[REMOTE:]INSTANCE [FILE] [options]')
    .argument('<instance>', 'the instance; it may run meanwhile')
    .argument('[file]', 'the archive; default: INSTANCE.tar.gz here')
    .option('--instance-only', 'without its snapshots')
    .action(async (reference: string, file: string | undefined, { instanceOnly = false, ...options }: Options) => {
      const { client, name } = await session.resolve(reference);
      const path = at`instances/${name}/backups`;
      await fetchBackup(session, client, { ...options, name, path, file, only: { instance_only: instanceOnly } });
    });
};
