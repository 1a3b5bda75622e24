/** Asks a store for an image by name. A server that does not answer is asked twice more, then the answer is no. */
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../../domain/errors.ts';
import { findOnServer } from './lxd-server.ts';
import type { OfferedImage, Store } from './store.ts';
import { findInStreams } from './streams.ts';

/** @param architecture what a plain alias of a store means; LXD's name */
type Find = (store: Store, name: string, architecture: string) => Promise<OfferedImage>;

const FIND = { simplestreams: findInStreams, lxd: findOnServer } as const satisfies Record<Store['protocol'], Find>;

const PAUSES_MS = [500, 2000];

/** @throws AppError `not-found`, `forbidden`, `invalid`: all for the user to mend, none to be repeated */
export async function findStoreImage(store: Store, name: string, architecture: string): Promise<OfferedImage> {
  return insisting(() => FIND[store.protocol](store, name, architecture));
}

/** Repeats what may succeed the next time; at last it is the store that is not there, not this host. */
export async function insisting<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await work();
    } catch (thrown) {
      const error = AppError.from(thrown);
      if (error.code !== 'unavailable') throw error;
      const pause = PAUSES_MS[tries];
      if (pause === undefined) throw new AppError('not-found', error.message, error);
      await sleep(pause);
    }
  }
}
