/**
 * The controller without its face: alive by a lease, runs sagas, and when elected observes the hosts and runs the
 * reconcilers. When the lease is lost everything that runs is let go of, and begun anew under the next one.
 */
import { AppError } from '../domain/errors.ts';
import type { Clock } from '../kit/clock.ts';
import type { Store } from '../store/store.ts';
import type { View } from '../store/view.ts';
import type { Agents } from './agents.ts';
import type { Log } from './log.ts';
import { openObserver } from './observe/observer.ts';
import { elected, type Presence, register } from './presence.ts';
import { driveReconcilers } from './reconcilers/driver.ts';
import { makeReconcilers } from './reconcilers/index.ts';
import type { ReconcilerStatus } from './reconcilers/reconciler.ts';
import { type Engine, openEngine } from './saga/engine.ts';
import type { Saga } from './saga/saga.ts';
import { SAGA_TABLES } from './sagas/index.ts';

export interface CoreOptions {
  readonly store: Store;
  /** Of everything: prefix ''. */
  readonly view: View;
  readonly agents: Agents;
  readonly clock: Clock;
  readonly log: Log;
  /** This controller's. */
  readonly name: string;
  /** `host:port` of its HTTPS server. */
  readonly address: string;
  readonly sagas?: readonly Saga[];
  readonly heartbeatMs?: number;
  readonly patienceMs?: number;
}

export interface Core {
  /** While the lease is lost, `start` and `cancel` fail with `unavailable`. */
  readonly engine: Engine;
  /** The lease that all keys of this process hang on; undefined while there is none. */
  readonly presence: () => Presence | undefined;
  readonly isLeader: () => boolean;
  /** Of this controller: empty unless it is the leader. */
  readonly reconcilers: () => readonly ReconcilerStatus[];
  close(): Promise<void>;
}

const RETRY_MS = 500;

/** Resolves when this controller is registered. @throws AppError `unavailable` when the store is away already. */
export async function openCore(options: CoreOptions): Promise<Core> {
  const { store, view, clock, log, name, address } = options;
  const closed = new AbortController();
  let life: Life | undefined;

  const live = async (first: Presence): Promise<void> => {
    for (let presence = first; ; presence = await registerAgain()) {
      life = beginLife(options, presence);
      await Promise.race([presence.lease.lost, aborted(closed.signal)]);
      await life.end();
      life = undefined;
      if (closed.signal.aborted) return presence.lease.release();
      log.warn('this controller lost its lease: its operations are up for others');
    }
  };
  const registerAgain = async (): Promise<Presence> => {
    for (;;) {
      try {
        return await register(store, view, name, address);
      } catch (error) {
        log.debug('not registered yet', { error });
        await clock.sleep(RETRY_MS, closed.signal);
      }
    }
  };

  const first = await register(store, view, name, address);
  const lives = live(first).catch(error => {
    if (!closed.signal.aborted) log.error('this controller ended by a bug', { error });
  });
  const engine = (): Engine => {
    if (life !== undefined) return life.engine;
    throw new AppError('unavailable', 'The store cannot be reached: nothing can be changed now; try again');
  };
  return {
    engine: {
      start: (saga, input, beginning) => engine().start(saga, input, beginning),
      cancel: id => engine().cancel(id),
      finished: (id, signal) => engine().finished(id, signal),
      close: async () => {},
    },
    presence: () => life?.presence,
    isLeader: () => life?.leading() ?? false,
    reconcilers: () => life?.reconcilers() ?? [],
    close: async () => {
      closed.abort(new AppError('cancelled', 'this controller is shutting down'));
      await lives;
    },
  };
}

interface Life {
  readonly presence: Presence;
  readonly engine: Engine;
  readonly leading: () => boolean;
  readonly reconcilers: () => readonly ReconcilerStatus[];
  end(): Promise<void>;
}

function beginLife(options: CoreOptions, presence: Presence): Life {
  const { store, view, agents, clock, log } = options;
  const ended = new AbortController();
  const engine = openEngine({ ...options, sagas: options.sagas ?? SAGA_TABLES, controller: presence });
  let reconcilers: (() => readonly ReconcilerStatus[]) | undefined;

  const lead = async (): Promise<void> => {
    const leadership = await elected(store, view, presence, ended.signal);
    log.info('this controller is the leader');
    const observer = openObserver({ ...options, leadership });
    const { signal } = ended;
    signal.addEventListener('abort', () => observer.close(), { once: true });
    const context = { store, view, agents, clock, engine, log, news: observer.news, refresh: observer.refresh, signal };
    reconcilers = driveReconcilers(context, makeReconcilers()).status;
  };
  const leadAgain = async (): Promise<void> => {
    for (;;) {
      try {
        return await lead();
      } catch (error) {
        ended.signal.throwIfAborted();
        log.warn('election failed, trying again', { error });
        await clock.sleep(RETRY_MS, ended.signal);
      }
    }
  };
  leadAgain().catch(() => {}); // ends by the abort of end()
  return {
    presence,
    engine,
    leading: () => reconcilers !== undefined,
    reconcilers: () => reconcilers?.() ?? [],
    end: async () => {
      ended.abort();
      await engine.close();
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }));
}
