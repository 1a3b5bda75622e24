/**
 * What every store asks of a transaction, and how guards are judged: pure, shared by all implementations, so that what
 * the in-memory store accepts in a test is what etcd accepts in production.
 */
import { AppError, fail } from '../domain/errors.ts';
import type { Guard, Transaction } from './store.ts';

/** etcd's --max-txn-ops is 128; one is kept for the marker by which a lost answer is looked up. */
export const MAX_OPERATIONS = 127;
/** etcd's --max-request-bytes is 1.5 MiB (1,572,864), all keys, values and framing of one transaction together. */
const MAX_TRANSACTION_BYTES = 1_500_000;
/** Framing and protobuf tags of one operation, generously. */
const OPERATION_BYTES = 32;

/** Keys beginning like this belong to the store itself. */
export const RESERVED = '.';

const KEY = /^[!-~]+$/;

/** Keys are printable ASCII, so that their order is the same in bytes (etcd) and in UTF-16 units (here). */
export function checkKey(key: string): void {
  if (!KEY.test(key) || key.startsWith(RESERVED))
    fail('internal', `${JSON.stringify(key)} cannot be a key of the store`);
}

/** Throws `internal` for a transaction no store could take, `exhausted` for one that is too large. */
export function checkTransaction({ guards, writes }: Transaction): void {
  if (guards.length > MAX_OPERATIONS || writes.length > MAX_OPERATIONS)
    fail(
      'internal',
      `a transaction may have ${MAX_OPERATIONS} guards and writes, not ${guards.length}/${writes.length}`,
    );
  const written = new Set<string>();
  let bytes = 0;
  for (const write of writes) {
    const key = 'put' in write ? write.put : write.delete;
    checkKey(key);
    if (written.has(key)) fail('internal', `a transaction writes ${key} twice`);
    written.add(key);
    bytes += OPERATION_BYTES + key.length + ('put' in write ? Buffer.byteLength(write.value) : 0);
  }
  for (const guard of guards) {
    checkKey(guard.key);
    bytes += 2 * (OPERATION_BYTES + guard.key.length); // compared, and read if the comparison fails
  }
  if (bytes > MAX_TRANSACTION_BYTES)
    throw new AppError('exhausted', `a change of ${bytes} bytes is too large, at most ${MAX_TRANSACTION_BYTES} fit`);
}

/** @param modRevisionOf 0n for a key that does not exist. */
export function failedGuards(guards: readonly Guard[], modRevisionOf: (key: string) => bigint): readonly string[] {
  const failed = new Set<string>();
  for (const guard of guards) {
    const actual = modRevisionOf(guard.key);
    const holds = 'exists' in guard ? guard.exists === actual > 0n : guard.modRevision === actual;
    if (!holds) failed.add(guard.key);
  }
  return [...failed];
}
