/** `instance/snapshot`, as people write it, and where it is in the API. Pure. */
import { AppError } from '../../domain/errors.ts';
import { at } from '../api/path.ts';

/** Where an instance, or the snapshot of one, is found. @throws AppError `invalid` for more than one slash */
export function pathOf(name: string): string {
  const [instance, snapshot] = split(name);
  return snapshot === undefined ? at`instances/${instance}` : at`instances/${instance}/snapshots/${snapshot}`;
}

export const isSnapshot = (name: string): boolean => name.includes('/');

/** @throws AppError `invalid` when it would be renamed into something else than a snapshot of the same instance */
export function newSnapshotName(from: string, to: string): string {
  const [instance] = split(from);
  const [owner, snapshot] = to.includes('/') ? split(to) : [instance, to];
  if (owner !== instance || snapshot === undefined)
    throw new AppError('invalid', `A snapshot stays with its instance: rename it to ${instance}/NEW-NAME`);
  return snapshot;
}

function split(name: string): readonly [instance: string, snapshot: string | undefined] {
  const [instance = '', snapshot, ...more] = name.split('/');
  if (instance === '' || snapshot === '' || more.length > 0)
    throw new AppError('invalid', `"${name}" is neither an instance nor a snapshot of one (instance/snapshot)`);
  return [instance, snapshot];
}
