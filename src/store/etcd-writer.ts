/**
 * Guarded transactions that happen once or not at all, also when the answer is lost. Each attempt is guarded by, and
 * stamps, a marker (see etcd-markers). A lost answer is settled by one more transaction: "if the marker is still as
 * before, write it". If that succeeds, the attempt has not happened and, its guard now false, never will, however late
 * etcd gets it; so it may be repeated. If not, the marker's stamp says what happened.
 */
import type { IResponseOp } from 'etcd3';
import { AppError, fail } from '../domain/errors.ts';
import type { Budget, Cluster } from './etcd-cluster.ts';
import type { Codec } from './etcd-codec.ts';
import type { RequestOf, ResponseOf } from './etcd-connection.ts';
import { type Marker, Markers } from './etcd-markers.ts';
import type { CommitResult, Transaction } from './store.ts';
import { checkTransaction, failedGuards } from './transaction.ts';

/** A lookup may overrun the budget by this: an answer late is better than none. */
const SETTLE_MS = 3000;

type Outcome =
  | CommitResult
  /** Certainly has not happened and will not; another try may. */
  | { readonly kind: 'not-done'; readonly cause: unknown }
  /** The same, and another try would not either. */
  | { readonly kind: 'impossible'; readonly error: AppError }
  /** The marker is gone with its lease: the attempt was refused, another needs another marker. */
  | { readonly kind: 'marker-lost' };

export class Writer {
  readonly #cluster: Cluster;
  readonly #codec: Codec;
  readonly #markers: Markers;
  #stamps = 0;

  constructor(cluster: Cluster, codec: Codec) {
    this.#cluster = cluster;
    this.#codec = codec;
    this.#markers = new Markers(cluster, codec);
  }

  async commit(txn: Transaction): Promise<CommitResult> {
    checkTransaction(txn);
    const budget = this.#cluster.budget();
    if (txn.writes.length === 0) return this.#compare(txn, budget);
    for (;;) {
      const marker = await this.#markers.acquire(budget);
      let outcome: Outcome;
      try {
        outcome = await this.#attempt(marker, txn, budget);
      } catch (error) {
        this.#markers.abandon();
        throw error;
      }
      if (outcome.kind === 'marker-lost') this.#markers.lost(marker);
      else this.#markers.release(marker);
      if (outcome.kind === 'impossible') throw outcome.error;
      if (outcome.kind === 'committed' || outcome.kind === 'refused') return outcome;
      await budget.pause('cause' in outcome ? outcome.cause : outcome);
    }
  }

  close(): Promise<void> {
    return this.#markers.close();
  }

  async #attempt(marker: Marker, txn: Transaction, budget: Budget): Promise<Outcome> {
    const stamp = String(++this.#stamps);
    const request = {
      compare: [this.#intact(marker), ...txn.guards.map(this.#codec.compare)],
      success: [this.#stamp(marker, stamp), ...txn.writes.map(this.#codec.write)],
      failure: [marker.key, ...txn.guards.map(guard => guard.key)].map(key => ({
        request_range: this.#codec.look(key),
      })),
    };
    const attempt = await this.#cluster.attempt('txn', request, budget.attemptMs);
    switch (attempt.kind) {
      case 'answered':
        return answerOf(attempt.response, marker, txn);
      case 'not-done':
        return attempt;
      case 'unknown':
        return this.#settle(marker, stamp, attempt.cause, budget);
      case 'final': {
        const { error, perhapsDone } = attempt;
        const revision = perhapsDone ? await this.#revisionOf(marker, stamp) : undefined;
        if (revision === undefined) return { kind: 'impossible', error };
        marker.modRevision = revision;
        return { kind: 'committed', revision };
      }
    }
  }

  /** Finds out what became of the attempt with `stamp`, or ends it. Throws `deadline` when neither can be done. */
  async #settle(marker: Marker, stamp: string, cause: unknown, budget: Budget): Promise<Outcome> {
    const fence = `${stamp}:never`;
    const request = {
      compare: [this.#intact(marker)],
      success: [this.#stamp(marker, fence)],
      failure: [{ request_range: { key: this.#codec.key(marker.key) } }],
    };
    const patience = this.#cluster.budget(Math.max(budget.remainingMs, SETTLE_MS));
    const response = await this.#cluster.repeat('txn', request, patience).catch(outcomeUnknown);
    const revision = BigInt(response.header.revision);
    if (response.succeeded) {
      marker.modRevision = revision;
      return { kind: 'not-done', cause };
    }
    const found = response.responses[0]?.response_range.kvs[0];
    if (found === undefined) return outcomeUnknown(cause);
    marker.modRevision = BigInt(found.mod_revision);
    const value = found.value.toString('latin1');
    if (value === stamp) return { kind: 'committed', revision: marker.modRevision };
    if (value === fence) return { kind: 'not-done', cause }; // written by a try of ours whose answer was lost too
    return fail('internal', `marker ${marker.key} holds ${value}, which is neither ${stamp} nor ${fence}`);
  }

  /** At which revision the marker got the stamp; undefined if it has another. */
  async #revisionOf(marker: Marker, stamp: string): Promise<bigint | undefined> {
    const { kvs } = await this.#cluster.repeat('range', { key: this.#codec.key(marker.key) }).catch(outcomeUnknown);
    const found = kvs[0];
    return found?.value.toString('latin1') === stamp ? BigInt(found.mod_revision) : undefined;
  }

  /** Guards without writes: nothing to do twice, so no marker. */
  async #compare(txn: Transaction, budget: Budget): Promise<CommitResult> {
    const request = {
      compare: txn.guards.map(this.#codec.compare),
      success: [],
      failure: txn.guards.map(guard => ({ request_range: this.#codec.look(guard.key) })),
    };
    const response = await this.#cluster.repeat('txn', request, budget);
    const revision = BigInt(response.header.revision);
    if (response.succeeded) return { kind: 'committed', revision };
    return { kind: 'refused', failed: failed(txn, response.responses), revision };
  }

  #intact(marker: Marker) {
    return this.#codec.compare({ key: marker.key, modRevision: marker.modRevision });
  }

  /** Keeps the marker's lease; fails when the marker is gone, which its guard prevents. */
  #stamp(marker: Marker, stamp: string): NonNullable<RequestOf<'txn'>['success']>[number] {
    return { request_put: { key: this.#codec.key(marker.key), value: Buffer.from(stamp), ignore_lease: true } };
  }
}

function outcomeUnknown(cause: unknown): never {
  throw new AppError('deadline', 'the store (etcd) was lost during a change; it may have happened or not', cause);
}

function answerOf({ succeeded, header, responses }: ResponseOf<'txn'>, marker: Marker, txn: Transaction): Outcome {
  const revision = BigInt(header.revision);
  if (succeeded) {
    marker.modRevision = revision;
    return { kind: 'committed', revision };
  }
  const [first, ...rest] = responses;
  if (modRevision(first) !== marker.modRevision) return { kind: 'marker-lost' };
  return { kind: 'refused', failed: failed(txn, rest), revision };
}

/** @param looks what was found for each guard's key, in order. */
function failed(txn: Transaction, looks: readonly IResponseOp[]): readonly string[] {
  const found = new Map(txn.guards.map((guard, i) => [guard.key, modRevision(looks[i])]));
  return failedGuards(txn.guards, key => found.get(key) ?? 0n);
}

function modRevision(look: IResponseOp | undefined): bigint {
  return BigInt(look?.response_range.kvs[0]?.mod_revision ?? 0);
}
