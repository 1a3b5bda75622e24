/** A user's wish to stop a saga, written into its record by whichever controller was asked; the claim holder heeds it. */
import { AppError, fail } from '../../domain/errors.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Stored } from '../../store/keyspace.ts';
import type { Store } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import { SAGAS } from '../spaces.ts';
import type { Step } from './saga.ts';
import { hasEnded, pivotBegun } from './saga-log.ts';
import type { SagaRecord } from './saga-record.ts';

/**
 * Resolves once the wish is stored. A stuck saga is claimed and returned instead, for the caller to run again.
 * @throws AppError `not-found`, or `invalid` when it is too late.
 */
export async function cancelSaga(
  store: Store,
  view: View,
  clock: Clock,
  id: string,
  steps: readonly Step[],
  me: SagaRecord['claim'],
): Promise<Stored<SagaRecord> | undefined> {
  for (;;) {
    const stored = await SAGAS.read(store, SAGAS.key(id));
    if (stored === undefined) fail('not-found', `Operation not found: ${id}`);
    const { value } = stored;
    if (hasEnded(value)) throw new AppError('invalid', 'The operation is over already');
    const stuck = value.state === 'stuck';
    if (!stuck && value.state !== 'unwinding' && pivotBegun(steps, value)) {
      throw new AppError('invalid', 'The operation cannot be cancelled any more: it is past its point of no return');
    }
    if (!stuck && value.cancelRequested === true) return undefined;
    const wished: SagaRecord = stuck
      ? { ...value, state: 'unwinding', claim: me, updatedAt: clock.now() }
      : { ...value, cancelRequested: true };
    const result = await store.commit(SAGAS.replace(stored, wished));
    if (result.kind === 'refused') continue;
    await view.reached(result.revision);
    return stuck ? { ...stored, value: wished, modRevision: result.revision } : undefined;
  }
}
