/**
 * Starts sagas, runs them step by step, resumes those of dead controllers. An engine lives as long as one incarnation of
 * its controller: when the controller's lease is lost, others may take its sagas over, so the engine must be closed.
 */
import { createHash, randomUUID } from 'node:crypto';
import { AppError, fail } from '../../domain/errors.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Stored } from '../../store/keyspace.ts';
import type { Guard, Store, Write } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import type { Agents } from '../agents.ts';
import type { Log } from '../log.ts';
import { SAGAS } from '../spaces.ts';
import { adoptable, adoption } from './adoption.ts';
import { cancelSaga } from './cancel.ts';
import { LostClaim } from './journal.ts';
import { busy, takeLocks } from './locks.ts';
import { firstRecord, runSaga } from './runner.ts';
import type { Json, Saga } from './saga.ts';
import { isSettled } from './saga-log.ts';
import type { SagaRecord } from './saga-record.ts';
import type { StepContext } from './step-context.ts';

/** What the user sees of it, and what must hold for it to begin. */
export interface Beginning {
  readonly project: string;
  readonly description: string;
  readonly resources: Readonly<Record<string, readonly string[]>>;
  /**
   * Held until the saga ends, e.g. `instance/default/c1`. One that is held already: AppError `busy`,
   * "Instance is busy running a <description> operation".
   */
  readonly locks: readonly string[];
  /** Committed together with the saga's record: what it claims, exists from the moment the user has an answer. */
  readonly guards?: readonly Guard[];
  readonly writes?: readonly Write[];
  /** Thrown when one of `guards` fails; of more weight than a lock that is held. */
  readonly refusal?: (failedKeys: readonly string[]) => Error;
  readonly requestor?: SagaRecord['requestor'];
  readonly location?: string;
}

export interface Engine {
  /** Returns once the saga is in the store: from then on it will be carried out or undone, whoever dies. */
  start<Input extends Json>(saga: Saga<Input>, input: Input, beginning: Beginning): Promise<SagaRecord>;
  /** Before the pivot the saga unwinds; after it AppError `invalid`. A stuck one tries to unwind once more. */
  cancel(id: string): Promise<void>;
  /** Resolves with the final (or stuck) record, whichever controller finished it. */
  finished(id: string, signal?: AbortSignal): Promise<SagaRecord>;
  /** Lets go of everything that runs, between or within steps, without a word to the store. */
  close(): Promise<void>;
}

export interface EngineOptions {
  readonly store: Store;
  readonly view: View;
  readonly agents: Agents;
  readonly clock: Clock;
  /** Adoption goes by the key `controllers/<name>`: the caller has written it with this incarnation. */
  readonly controller: { readonly name: string; readonly incarnation: string };
  readonly sagas: readonly Saga[];
  readonly log: Log;
  /** How long a step before the pivot may go on failing; default one minute. */
  readonly patienceMs?: number;
}

const ADOPTION_PERIOD_MS = 5_000;

export function openEngine(options: EngineOptions): Engine {
  const { store, view, clock, log } = options;
  const claim = { controller: options.controller.name, incarnation: options.controller.incarnation };
  const sagas = new Map(options.sagas.map(saga => [saga.name, saga]));
  const closed = new AbortController();
  const running = new Map<string, Promise<void>>();

  const begin = async (wanted: Saga, input: Json, beginning: Beginning, id: string): Promise<SagaRecord> => {
    closed.signal.throwIfAborted();
    // What is begun must be what would be taken over: the table of that name.
    const saga = sagas.get(wanted.name) ?? fail('internal', `no saga ${wanted.name} is registered`);
    const now = clock.now();
    const record = firstRecord(saga, {
      id,
      saga: saga.name,
      version: saga.version,
      input,
      project: beginning.project,
      description: beginning.description,
      resources: beginning.resources,
      locks: beginning.locks,
      createdAt: now,
      updatedAt: now,
      claim,
      state: 'running',
      log: [],
      metadata: {},
      location: beginning.location ?? '',
      ...(beginning.requestor === undefined ? {} : { requestor: beginning.requestor }),
    });
    const key = SAGAS.key(id);
    const locks = takeLocks(beginning.locks, { operation: id, description: beginning.description });
    const own = SAGAS.create(key, record);
    const wished = beginning.guards ?? [];
    const result = await store.commit({
      guards: [...own.guards, ...locks.guards, ...wished],
      writes: [...own.writes, ...locks.writes, ...(beginning.writes ?? [])],
    });
    if (result.kind === 'refused') {
      const refused = wished.filter(guard => result.failed.includes(guard.key)).map(guard => guard.key);
      if (refused.length === 0) throw await busy(store, beginning.locks, result.failed);
      throw beginning.refusal?.(refused) ?? new AppError('conflict', 'It was changed by someone else; try again');
    }
    const { revision } = result;
    await view.reached(revision, closed.signal);
    log.info('operation begins', { operation: id, saga: saga.name, resources: beginning.resources });
    launch(saga, { key, value: record, createRevision: revision, modRevision: revision });
    return record;
  };

  const launch = (saga: Saga, claimed: Stored<SagaRecord>): void => {
    const { id } = claimed.value;
    const parts = { ...options, child: childOf, patienceMs: options.patienceMs ?? 60_000 };
    const run = runSaga(parts, saga, claimed, closed.signal)
      .then(
        () => {},
        (error: unknown) => {
          if (closed.signal.aborted) return;
          if (error instanceof LostClaim) log.warn('operation taken over by another controller', { operation: id });
          else log.error('operation dropped by a bug', { operation: id, error });
        },
      )
      .finally(() => running.delete(id));
    running.set(id, run);
  };

  const childOf =
    (parent: SagaRecord): StepContext['child'] =>
    async (key, saga, input, beginning) => {
      const id = childId(parent.id, key);
      if (view.get(SAGAS.key(id)) === undefined) {
        await begin(saga as Saga, input, { requestor: parent.requestor, ...beginning } as Beginning, id);
      }
      return finished(id, closed.signal);
    };

  const finished = (id: string, signal?: AbortSignal): Promise<SagaRecord> => {
    const key = SAGAS.key(id);
    const { promise, resolve, reject } = Promise.withResolvers<SagaRecord>();
    const look = () => {
      const record = view.get(key)?.value;
      if (record === undefined) reject(new AppError('not-found', `Operation not found: ${id}`));
      else if (isSettled(record)) resolve(record);
    };
    const stop = view.onChange(({ changes }) => {
      if (changes.some(change => change.key === key)) look();
    });
    const onAbort = () => reject(signal?.reason);
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    look();
    return promise.finally(() => {
      stop();
      signal?.removeEventListener('abort', onAbort);
    });
  };

  /** Takes over what nobody alive works on. Several controllers may try; the guarded write decides. */
  const adopt = async (): Promise<void> => {
    for (const stored of adoptable(view, claim)) {
      const saga = sagas.get(stored.value.saga);
      if (running.has(stored.value.id)) continue;
      if (saga === undefined || saga.version !== stored.value.version) {
        log.error('no code for this operation', { operation: stored.value.id, saga: stored.value.saga });
        continue;
      }
      const { record, transaction } = adoption(view, stored, claim);
      const result = await store.commit(transaction);
      if (result.kind === 'refused' || closed.signal.aborted) continue;
      await view.reached(result.revision, closed.signal);
      log.info('operation taken over', { operation: record.id, from: stored.value.claim.controller });
      launch(saga, { ...stored, value: record, modRevision: result.revision });
    }
  };

  const adoptNow = singly(() =>
    adopt().catch(error => {
      if (!closed.signal.aborted) log.warn('taking over operations failed, trying again', { error });
    }),
  );
  const stopListening = view.onChange(({ changes }) => {
    if (changes.some(({ key, after }) => key.startsWith('controllers/') && after === undefined)) adoptNow();
  });
  const periodically = async () => {
    for (;;) {
      adoptNow();
      await clock.sleep(ADOPTION_PERIOD_MS, closed.signal);
    }
  };
  periodically().catch(() => {}); // ends by the abort of close()

  return {
    start: (saga, input, beginning) => begin(saga as Saga, input, beginning, randomUUID()),
    cancel: async id => {
      const saga = sagas.get((view.get(SAGAS.key(id)) ?? fail('not-found', `Operation not found: ${id}`)).value.saga);
      const revived = await cancelSaga(store, view, clock, id, saga?.steps ?? [], claim);
      if (revived !== undefined && saga !== undefined) launch(saga, revived);
    },
    finished,
    close: async () => {
      closed.abort(new AppError('cancelled', 'this controller is shutting down'));
      stopListening();
      await Promise.all(running.values());
    },
  };
}

/** The same child for the same parent and key, whoever asks again. Shaped as a UUID, because clients check. */
function childId(parent: string, key: string): string {
  const hex = createHash('sha256').update(`${parent}/${key}`).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

/** Never two at once; asked for while it runs, it runs once more. */
function singly(work: () => Promise<void>): () => void {
  let state: 'idle' | 'running' | 'again' = 'idle';
  const loop = async () => {
    do {
      state = 'running';
      await work();
    } while ((state as string) === 'again');
    state = 'idle';
  };
  return () => {
    if (state === 'idle') void loop();
    else state = 'again';
  };
}
