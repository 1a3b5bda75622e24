/** Reads backups from the view. */
import type { BackupRecord } from '../../domain/backup.ts';
import { fail } from '../../domain/errors.ts';
import type { Stored } from '../../store/keyspace.ts';
import type { View } from '../../store/view.ts';
import { BACKUPS } from '../spaces.ts';

/** Of an instance, or a custom volume; those being made are not there yet. */
export function backupsOf(view: View, instance: string): readonly Stored<BackupRecord>[] {
  return view.list(BACKUPS, instance).filter(({ value }) => value.phase !== 'creating');
}

/** @throws AppError `not-found`, also while it is being made. */
export function getBackup(view: View, instance: string, name: string): Stored<BackupRecord> {
  const found = name === '' ? undefined : backupsOf(view, instance).find(({ value }) => value.name === name);
  return found ?? fail('not-found', 'Backup not found');
}

/** The very backup, whatever it is called by now. */
export function findBackup(view: View, instance: string, id: string): Stored<BackupRecord> | undefined {
  return view.list(BACKUPS, instance).find(({ value }) => value.id === id);
}
