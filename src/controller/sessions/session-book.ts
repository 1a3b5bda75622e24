/**
 * The records of this controller's sessions: in the store under its lease, so that every front end shows them while they
 * run and a little longer, and none outlives the controller that ran it.
 */
import type { Clock } from '../../kit/clock.ts';
import type { Lease, LeaseId, Store, Transaction } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import { commit } from '../commit.ts';
import type { Log } from '../log.ts';
import { SESSIONS, type SessionRecord } from './session-record.ts';

/** pylxd asks again for the end of its command; LXD keeps operations 5 s. */
const KEPT_MS = 30_000;
const LEASE_MS = 15_000;

export interface SessionBook {
  write(record: SessionRecord): Promise<void>;
  /** Writes something that shall live as long as the records. */
  keep(transactions: (lease: LeaseId) => readonly Transaction[]): Promise<void>;
  /** The last word on it; it is forgotten after half a minute. */
  finish(record: SessionRecord): Promise<void>;
  close(): Promise<void>;
}

export function openSessionBook(parts: {
  readonly store: Store;
  readonly view: View;
  readonly clock: Clock;
  readonly log: Log;
}): SessionBook {
  const { store, clock, log } = parts;
  const closed = new AbortController();
  let lease: Promise<Lease> | undefined;

  const leased = async (): Promise<Lease> => {
    lease ??= store.lease(LEASE_MS).then(
      granted => {
        void granted.lost.then(() => {
          lease = undefined;
        });
        return granted;
      },
      error => {
        lease = undefined;
        throw error;
      },
    );
    return lease;
  };

  const write = async (record: SessionRecord) => {
    const { id } = await leased();
    await commit(parts, { guards: [], writes: [SESSIONS.put(SESSIONS.key(record.id), record, id)] });
  };

  return {
    write,
    keep: async transactions => {
      const { id } = await leased();
      for (const transaction of transactions(id)) await commit(parts, transaction);
    },
    finish: async record => {
      await write(record);
      clock
        .sleep(KEPT_MS, closed.signal)
        .then(() => store.commit({ guards: [], writes: [{ delete: SESSIONS.key(record.id) }] }))
        .catch(error => {
          if (!closed.signal.aborted) log.warn('session record not removed', { operation: record.id, error });
        });
    },
    close: async () => {
      closed.abort();
      const held = await lease?.catch(() => undefined);
      await held?.release();
    },
  };
}
