/** Commits a change that needs no saga, and returns once this controller's own view shows it. */
import { AppError } from '../domain/errors.ts';
import type { Store, Transaction } from '../store/store.ts';
import type { View } from '../store/view.ts';

/**
 * @param refusal what to throw when a guard failed; by default `conflict`.
 * @throws AppError `unavailable` when the store is away: nothing was written.
 */
export async function commit(
  { store, view }: { readonly store: Store; readonly view: View },
  transaction: Transaction,
  refusal: (failedKeys: readonly string[]) => Error = changedMeanwhile,
): Promise<void> {
  const result = await store.commit(transaction);
  if (result.kind === 'refused') throw refusal(result.failed);
  await view.reached(result.revision);
}

function changedMeanwhile(): Error {
  return new AppError('conflict', 'It was changed by someone else meanwhile; read it again and repeat the change');
}
