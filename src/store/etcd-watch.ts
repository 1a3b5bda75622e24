/**
 * Our own watch over etcd's raw stream: asks for everything after what it has delivered, so a cut stream is taken up
 * anywhere without loss or repeat; takes a fresh snapshot when that history is compacted; and finds out by itself when
 * a silent stream is dead. Never gives up: says `stalled` and goes on trying until aborted.
 */
import { status } from '@grpc/grpc-js';
import { AppError } from '../domain/errors.ts';
import type { Cluster } from './etcd-cluster.ts';
import type { Codec } from './etcd-codec.ts';
import type { StreamOf } from './etcd-connection.ts';
import { EtcdError } from './etcd-failure.ts';
import { Assembler, type Batch } from './etcd-watch-response.ts';
import type { Snapshot, WatchEvent } from './store.ts';

/** After this long without a sign of life etcd is asked for one, and given `ANSWER_MS` for it. */
const SILENCE_MS = 2000;
const ANSWER_MS = 3000;
const CREATE_MS = 2000;
/** A change of member or of leader shorter than this is not worth telling. */
const STALL_AFTER_MS = 1000;
const MAX_PAUSE_MS = 1000;

export interface WatchSource {
  readonly cluster: Cluster;
  readonly codec: Codec;
  readonly list: (prefix: string) => Promise<Snapshot>;
}

export async function* watchEtcd(
  source: WatchSource,
  prefix: string,
  after: bigint,
  signal: AbortSignal,
): AsyncIterable<WatchEvent> {
  const { clock } = source.cluster;
  let delivered = after;
  let live = false;
  let stalled = false;
  let failures = 0;
  let downSinceMs = clock.now();
  while (!signal.aborted) {
    try {
      for await (const batch of batches(source, prefix, () => delivered, signal)) {
        if (batch.kind === 'compacted') {
          const snapshot = await source.list(prefix);
          delivered = snapshot.revision;
          yield { kind: 'reset', snapshot, revision: delivered };
          yield { kind: 'progress', revision: delivered };
          break;
        }
        failures = 0;
        if (batch.kind === 'alive' && !live) yield { kind: 'progress', revision: delivered };
        live = true;
        stalled = false;
        if (batch.kind !== 'events') continue;
        if (batch.revision > delivered) delivered = batch.revision;
        yield* batch.events;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof EtcdError || error instanceof AppError)) throw error; // a bug, not an outage
      if (live) downSinceMs = clock.now();
      live = false;
      if (!stalled && clock.now() - downSinceMs >= STALL_AFTER_MS) {
        stalled = true;
        yield { kind: 'stalled', revision: delivered };
      }
      // The first time at once: another member is probably there.
      const pauseMs = failures++ === 0 ? 0 : Math.min(20 * 2 ** failures, MAX_PAUSE_MS) * (0.5 + Math.random() / 2);
      await clock.sleep(pauseMs, signal).catch(() => {});
    }
  }
}

/** What one stream has to tell, beginning after `delivered()`. Throws when it ends; returns on abort. */
async function* batches(
  { cluster, codec }: WatchSource,
  prefix: string,
  delivered: () => bigint,
  signal: AbortSignal,
): AsyncIterable<Batch> {
  const { stream, failed } = await cluster.openStream('watch');
  const close = () => stream.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    stream.send({
      create_request: {
        ...codec.range(prefix),
        start_revision: String(delivered() + 1n),
        fragment: true,
      },
    });
    const assembler = new Assembler(codec, prefix);
    let response = await stream.receive(CREATE_MS);
    if (response === undefined) throw silent();
    while (!signal.aborted) {
      const batch = assembler.next(response, delivered());
      if (batch !== undefined) yield batch;
      response = await nextResponse(stream);
    }
  } catch (error) {
    if (signal.aborted) return;
    failed(error);
    throw error;
  } finally {
    signal.removeEventListener('abort', close);
    stream.close();
  }
}

/** Waits as long as the stream shows signs of life. */
async function nextResponse(stream: StreamOf<'watch'>) {
  const response = await stream.receive(SILENCE_MS);
  if (response !== undefined) return response;
  stream.send({ progress_request: {} });
  const answer = await stream.receive(ANSWER_MS);
  if (answer === undefined) throw silent();
  return answer;
}

function silent(): EtcdError {
  return new EtcdError(status.DEADLINE_EXCEEDED, 'the watch stream is silent');
}
