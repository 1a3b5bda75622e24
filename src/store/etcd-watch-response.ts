/**
 * From etcd's raw watch responses to whole revisions: puts the fragments of a large one together, leaves out what was
 * delivered before and the store's own keys, and marks the end of each transaction. Pure but for the fragments it holds.
 */
import { status } from '@grpc/grpc-js';
import type { IEvent, IWatchResponse } from 'etcd3';
import type { Codec } from './etcd-codec.ts';
import { EtcdError } from './etcd-failure.ts';
import type { WatchEvent } from './store.ts';
import { RESERVED } from './transaction.ts';

export type Batch =
  /** History is gone: list, and watch from there. */
  | { readonly kind: 'compacted' }
  /** The watch stands; or a sign of life. */
  | { readonly kind: 'alive' }
  | { readonly kind: 'events'; readonly events: readonly WatchEvent[]; readonly revision: bigint };

export class Assembler {
  readonly #codec: Codec;
  readonly #prefix: string;
  #fragments: IEvent[] = [];

  constructor(codec: Codec, prefix: string) {
    this.#codec = codec;
    this.#prefix = prefix;
  }

  /** Undefined for a fragment that is not the last. Throws `EtcdError` when etcd has ended the watch. */
  next(response: IWatchResponse, delivered: bigint): Batch | undefined {
    if (response.compact_revision !== '0') return { kind: 'compacted' };
    if (response.canceled) throw new EtcdError(status.ABORTED, `watch cancelled: ${response.cancel_reason}`);
    this.#fragments.push(...response.events);
    if (response.fragment) return undefined;
    const raw = this.#fragments;
    this.#fragments = [];
    const last = raw.at(-1);
    if (last === undefined) return { kind: 'alive' };
    const revision = BigInt(last.kv.mod_revision);
    return { kind: 'events', events: [...this.#events(raw, delivered)], revision };
  }

  *#events(raw: readonly IEvent[], delivered: bigint): Iterable<WatchEvent> {
    let open: bigint | undefined; // the revision whose changes are being listed
    let last = delivered;
    for (const { type, kv } of raw) {
      const revision = BigInt(kv.mod_revision);
      if (revision <= delivered) continue;
      if (open !== undefined && revision !== open) yield { kind: 'progress', revision: open };
      open = revision === open ? open : undefined;
      last = revision;
      const key = this.#codec.plain(kv.key);
      if (key.startsWith(RESERVED)) continue;
      open = revision;
      if (type === 'Put') yield { kind: 'put', entry: this.#codec.entry(kv), revision };
      else yield { kind: 'delete', key, revision };
    }
    // Only a watch of everything sees the markers, and so each transaction there is.
    if (open !== undefined || (this.#prefix === '' && last > delivered)) yield { kind: 'progress', revision: last };
  }
}
