/** Forgets what nobody asks for any more: operations that are over, tokens that nobody used. */
import type { Write } from '../../store/store.ts';
import { hasEnded } from '../saga/saga-log.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { SAGAS } from '../spaces.ts';
import { TOKENS } from '../trust/tokens.ts';
import type { Reconciler } from './reconciler.ts';

const KEEP_MS = { succeeded: 5 * 60_000, cancelled: 5 * 60_000, failed: 60 * 60_000 } as const;
/** Of one transaction; the rest goes with the next run. */
const BATCH = 100;

export const expire: Reconciler = {
  name: 'expire',
  periodMs: 60_000,
  hints: [],
  run: async ({ store, view, clock }) => {
    const now = clock.now();
    const sagas = view.list(SAGAS).filter(({ value }) => isOver(value, now));
    const tokens = view.list(TOKENS).filter(({ value }) => value.expiresAt < now);
    const writes: Write[] = [...sagas, ...tokens].slice(0, BATCH).map(({ key }) => ({ delete: key }));
    if (writes.length > 0) await store.commit({ guards: [], writes });
    return writes.length === 0 ? '' : `forgot ${sagas.length} operations and ${tokens.length} tokens`;
  },
};

function isOver(record: SagaRecord, now: number): boolean {
  return hasEnded(record) && now - record.updatedAt > KEEP_MS[record.state as keyof typeof KEEP_MS];
}
