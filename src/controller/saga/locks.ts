/** Locks: what only one operation at a time may work on. Taken and released with the saga's own record, never alone. */
import { AppError } from '../../domain/errors.ts';
import type { Key } from '../../store/keyspace.ts';
import type { Guard, Store, Write } from '../../store/store.ts';
import { LOCKS, type LockRecord } from '../spaces.ts';

/** @param lock e.g. `instance/default/c1`. */
export function lockKey(lock: string): Key<LockRecord> {
  const [kind = '', ...path] = lock.split('/');
  return LOCKS.key(kind, ...path);
}

export function takeLocks(
  locks: readonly string[],
  holder: LockRecord,
): { readonly guards: readonly Guard[]; readonly writes: readonly Write[] } {
  return {
    guards: locks.map(lock => ({ key: lockKey(lock), exists: false })),
    writes: locks.map(lock => LOCKS.put(lockKey(lock), holder)),
  };
}

/** Who is in the way, in LXD's words. */
export async function busy(store: Store, locks: readonly string[], failed: readonly string[]): Promise<AppError> {
  const lock = locks.find(each => failed.includes(lockKey(each))) ?? '';
  const holder = lock === '' ? undefined : await LOCKS.read(store, lockKey(lock));
  const kind = lock.split('/')[0] ?? '';
  const what = kind.charAt(0).toUpperCase() + kind.slice(1);
  return new AppError('busy', `${what} is busy running a "${holder?.value.description ?? 'just finished'}" operation`);
}
