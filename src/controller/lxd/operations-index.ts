/** All operations of the cluster, whoever carries them out: sagas, exec sessions, tokens; found by id alone. */
import { fail } from '../../domain/errors.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Stored } from '../../store/keyspace.ts';
import type { Store } from '../../store/store.ts';
import type { Change, View } from '../../store/view.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { SESSIONS, type SessionRecord } from '../sessions/session-record.ts';
import { SAGAS } from '../spaces.ts';
import { TOKENS, type TokenRecord } from '../trust/tokens.ts';
import { type Operation, sagaOperation, sessionOperation, tokenOperation } from './operation.ts';
import { isFinal } from './status.ts';

export interface FoundOperation {
  readonly operation: Operation;
  readonly project: string;
  readonly source:
    | { readonly kind: 'saga'; readonly record: SagaRecord }
    | { readonly kind: 'session' }
    | { readonly kind: 'token'; readonly token: Stored<TokenRecord> };
}

export interface Operations {
  /** @throws AppError `not-found`. */
  find(id: string): Promise<FoundOperation>;
  list(): readonly FoundOperation[];
  /** Its last state once it is final, or whatever it is after `timeoutMs`. */
  wait(id: string, timeoutMs: number | undefined, signal: AbortSignal): Promise<Operation>;
  /** The operation that a change in the view is of; undefined if nothing of it changed that is shown, or it is gone. */
  changed(change: Change): FoundOperation | undefined;
}

export interface Server {
  /** Of the certificate that all front ends show. */
  readonly fingerprint: string;
  readonly addresses: readonly string[];
}

export function openOperations(store: Store, view: View, clock: Clock, server: () => Server): Operations {
  const saga = ({ value }: Stored<SagaRecord>): FoundOperation => ({
    operation: sagaOperation(value),
    project: value.project,
    source: { kind: 'saga', record: value },
  });
  const session = ({ value }: Stored<SessionRecord>): FoundOperation => ({
    operation: sessionOperation(value),
    project: value.project,
    source: { kind: 'session' },
  });
  const token = (stored: Stored<TokenRecord>): FoundOperation => ({
    operation: tokenOperation(stored.value, server()),
    project: stored.value.purpose.kind === 'image' ? stored.value.purpose.project : 'default',
    source: { kind: 'token', token: stored },
  });

  const seen = (id: string): FoundOperation | undefined => {
    const asSaga = view.get(SAGAS.key(id));
    if (asSaga !== undefined) return saga(asSaga);
    const asSession = view.get(SESSIONS.key(id));
    if (asSession !== undefined) return session(asSession);
    const asToken = view.get(TOKENS.key(id));
    return asToken && token(asToken);
  };

  /** Another front end may have begun it a moment ago, so that this one's view does not show it yet. */
  const find = async (id: string): Promise<FoundOperation> => {
    const found = seen(id);
    if (found !== undefined) return found;
    if (!view.stale) {
      const asSaga = await SAGAS.read(store, SAGAS.key(id));
      if (asSaga !== undefined) return saga(asSaga);
      const asSession = await SESSIONS.read(store, SESSIONS.key(id));
      if (asSession !== undefined) return session(asSession);
      const asToken = await TOKENS.read(store, TOKENS.key(id));
      if (asToken !== undefined) return token(asToken);
    }
    return fail('not-found', `Operation not found: ${id}`);
  };

  const rendered = (key: string, stored: Stored<unknown>): FoundOperation | undefined => {
    if (key.startsWith(SAGAS.prefix)) return saga(stored as Stored<SagaRecord>);
    if (key.startsWith(SESSIONS.prefix)) return session(stored as Stored<SessionRecord>);
    if (key.startsWith(TOKENS.prefix)) return token(stored as Stored<TokenRecord>);
    return undefined;
  };
  const changed = ({ key, before, after }: Change): FoundOperation | undefined => {
    const now = after && rendered(key, after);
    const then = now && before && rendered(key, before);
    return then !== undefined && looksLike(then.operation, now!.operation) ? undefined : now;
  };

  return {
    find,
    list: () => [
      ...view.list(SAGAS).map(saga),
      ...view.list(SESSIONS).map(session),
      ...view
        .list(TOKENS)
        .filter(({ value }) => value.expiresAt > clock.now())
        .map(token),
    ],
    wait: async (id, timeoutMs, signal) => {
      const first = await find(id);
      if (isFinal(first.operation.status_code)) return first.operation;
      return new Promise<Operation>((resolve, reject) => {
        let last = first.operation;
        const stopTimer = new AbortController();
        const finish = (settle: () => void) => {
          stopListening();
          stopTimer.abort();
          signal.removeEventListener('abort', onAbort);
          settle();
        };
        const look = () => {
          const now = seen(id);
          last = now?.operation ?? last;
          if (isFinal(last.status_code) || (now === undefined && wasSeen)) finish(() => resolve(last));
        };
        const onAbort = () => finish(() => reject(signal.reason));
        let wasSeen = seen(id) !== undefined;
        const stopListening = view.onChange(({ changes }) => {
          if (!changes.some(({ key }) => key.endsWith(`/${id}`))) return;
          wasSeen = true;
          look();
        });
        signal.addEventListener('abort', onAbort, { once: true });
        if (timeoutMs !== undefined)
          clock.sleep(timeoutMs, stopTimer.signal).then(
            () => finish(() => resolve(last)),
            () => {},
          );
        look(); // it may have ended while it was read
      });
    },
    changed,
  };
}

/** The log of a saga changes with every step; most of that is not shown. */
function looksLike(a: Operation, b: Operation): boolean {
  const still = (operation: Operation) => JSON.stringify({ ...operation, updated_at: '' });
  return still(a) === still(b);
}
