/**
 * The record of one saga as its claim holder writes it: every write is guarded by the record's revision, so that a
 * controller that lost the saga learns it from the store before it does anything more. Writes come one after another.
 */
import { AppError } from '../../domain/errors.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Stored } from '../../store/keyspace.ts';
import type { Store, Write } from '../../store/store.ts';
import { SAGAS } from '../spaces.ts';
import { lockKey } from './locks.ts';
import { hasEnded } from './saga-log.ts';
import type { SagaRecord } from './saga-record.ts';

/** Someone else works on the saga now, or it is gone: stop at once, write nothing. */
export class LostClaim extends AppError {
  constructor(id: string) {
    super('cancelled', `operation ${id} was taken over by another controller`);
  }
}

export interface Journal {
  readonly record: SagaRecord;
  /**
   * Writes `change(record)`; the write that ends the saga also releases its locks. Repeated while the store is away.
   * @throws LostClaim; or the signal's reason.
   */
  write(change: (record: SagaRecord) => SagaRecord): Promise<SagaRecord>;
}

const PAUSE_MS = 250;

export function openJournal(store: Store, clock: Clock, claimed: Stored<SagaRecord>, signal: AbortSignal): Journal {
  let stored = claimed;
  let last: Promise<unknown> = Promise.resolve();

  /** Only a cancel request may have come from others while the claim is ours. */
  const reread = async (): Promise<void> => {
    const now = await SAGAS.read(store, stored.key);
    const ours = stored.value.claim;
    const claim = now?.value.claim;
    if (now === undefined || claim?.controller !== ours.controller || claim.incarnation !== ours.incarnation) {
      throw new LostClaim(stored.value.id);
    }
    stored = now;
  };

  const writeOnce = async (change: (record: SagaRecord) => SagaRecord) => {
    let unknown: SagaRecord | undefined;
    for (;;) {
      signal.throwIfAborted();
      const next = change(stored.value);
      if (next === stored.value) return next;
      const { guards, writes } = SAGAS.replace(stored, next);
      try {
        const result = await store.commit({ guards, writes: [...writes, ...releases(next)] });
        if (result.kind === 'committed') {
          stored = { ...stored, value: next, modRevision: result.revision };
          return next;
        }
        await reread();
        if (unknown !== undefined && JSON.stringify(stored.value) === JSON.stringify(unknown)) return stored.value;
      } catch (thrown) {
        const { code } = AppError.from(thrown);
        if (code !== 'unavailable' && code !== 'deadline') throw thrown;
        if (code === 'deadline') unknown = next;
        await clock.sleep(PAUSE_MS, signal);
      }
    }
  };

  return {
    get record() {
      return stored.value;
    },
    write: change => {
      const turn = last.then(() => writeOnce(change));
      last = turn.catch(() => {});
      return turn;
    },
  };
}

function releases(record: SagaRecord): readonly Write[] {
  return hasEnded(record) ? record.locks.map(lock => ({ delete: lockKey(lock) })) : [];
}
