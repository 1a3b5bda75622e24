/**
 * Typed key spaces over the flat store: `instances/<project>/<name>` holds JSON of one type. Parts are percent-encoded,
 * so no name, however odd, escapes its space. Builds keys, reads, and builds guarded transactions; decides nothing.
 */
import { AppError, fail } from '../domain/errors.ts';
import type { Entry, LeaseId, Store, Transaction, Write } from './store.ts';

declare const valueType: unique symbol;

/** A key that knows the type of its value. */
export type Key<T> = string & { readonly [valueType]: T };

/** A value with its place and revisions: what a guarded change starts from. */
export interface Stored<T> {
  readonly key: Key<T>;
  readonly value: T;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
}

export interface Keyspace<T, P extends readonly string[] = readonly string[]> {
  readonly name: string;
  /** What all its keys start with, `name/`. */
  readonly prefix: string;
  key(...parts: P): Key<T>;
  /** What all keys start with whose first parts are these. */
  under(...parts: readonly string[]): string;
  /** The parts a key was built from. */
  parts(key: Key<T>): P;

  read(store: Store, key: Key<T>): Promise<Stored<T> | undefined>;
  /** All values, or those below the given first parts, in key order. */
  readAll(store: Store, ...parts: readonly string[]): Promise<readonly Stored<T>[]>;

  /** Unguarded. */
  put(key: Key<T>, value: T, lease?: LeaseId): Write;
  /** Unguarded. */
  delete(key: Key<T>): Write;
  /** The key must be free. */
  create(key: Key<T>, value: T, lease?: LeaseId): Transaction;
  /** It must not have changed since `old` was read. */
  replace(old: Stored<T>, value: T, lease?: LeaseId): Transaction;
  /** It must not have changed since `old` was read. */
  remove(old: Stored<T>): Transaction;
}

const NAME = /^[a-z][a-z0-9-]*$/;

/** `T` must survive JSON unchanged. `P` names the parts of a key: `keyspace<Step, [saga: string, step: string]>('steps')`. */
export function keyspace<T, P extends readonly string[] = readonly [name: string]>(name: string): Keyspace<T, P> {
  if (!NAME.test(name)) fail('internal', `${JSON.stringify(name)} cannot be the name of a key space`);
  const prefix = `${name}/`;
  const put = (key: Key<T>, value: T, lease?: LeaseId): Write => ({
    put: key,
    value: encode(key, value),
    ...(lease === undefined ? {} : { lease }),
  });
  return {
    name,
    prefix,
    key: (...parts) => {
      if (parts.length === 0) fail('internal', `a key of ${name} needs at least one part`);
      return (prefix + parts.map(encodePart).join('/')) as Key<T>;
    },
    under: (...parts) => prefix + parts.map(part => `${encodePart(part)}/`).join(''),
    parts: key => key.slice(prefix.length).split('/').map(decodeURIComponent) as readonly string[] as P,

    read: async (store, key) => {
      const entry = await store.get(key);
      return entry && decode<T>(entry);
    },
    readAll: async (store, ...parts) => {
      const { entries } = await store.list(prefix + parts.map(part => `${encodePart(part)}/`).join(''));
      return entries.map(entry => decode<T>(entry));
    },

    put,
    delete: key => ({ delete: key }),
    create: (key, value, lease) => ({ guards: [{ key, exists: false }], writes: [put(key, value, lease)] }),
    replace: ({ key, modRevision }, value, lease) => ({
      guards: [{ key, modRevision }],
      writes: [put(key, value, lease)],
    }),
    remove: ({ key, modRevision }) => ({ guards: [{ key, modRevision }], writes: [{ delete: key }] }),
  };
}

/** One transaction of several: all or nothing. */
export function together(...transactions: readonly Transaction[]): Transaction {
  return { guards: transactions.flatMap(one => one.guards), writes: transactions.flatMap(one => one.writes) };
}

/** Throws `internal`, naming the key, when the value is not JSON. */
export function decode<T>(entry: Entry): Stored<T> {
  const { key, createRevision, modRevision } = entry;
  try {
    return { key: key as Key<T>, value: JSON.parse(entry.value) as T, createRevision, modRevision };
  } catch (error) {
    throw new AppError('internal', `the stored value of ${key} is not JSON`, error);
  }
}

function encode(key: string, value: unknown): string {
  return JSON.stringify(value) ?? fail('internal', `${key}: undefined cannot be stored`);
}

/** What `encodeURIComponent` leaves as it is; nearly all names are such, and keys are built all the time. */
const PLAIN = /^[\w.~-]+$/;

function encodePart(part: string): string {
  if (PLAIN.test(part)) return part;
  if (part === '') fail('invalid', 'a name must not be empty');
  if (!part.isWellFormed()) fail('invalid', 'a name must be valid Unicode');
  return encodeURIComponent(part);
}
