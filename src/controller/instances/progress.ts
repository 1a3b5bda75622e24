/** Follows an agent's progress stream to its end, and tells the operation about it. */
import type { Shipped } from '../../domain/move-rounds.ts';
import { formatBytes } from '../../domain/size.ts';
import type { Progress } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import type { StepContext } from '../saga/step-context.ts';

/**
 * @param key must end in `_progress`: clients show such texts.
 * @returns how many bytes it was.
 */
export async function drain(context: StepContext, key: string, stream: AsyncIterable<Progress>): Promise<number> {
  let last = 0;
  for await (const { phase, bytes, totalBytes, done } of stream) {
    last = Math.max(last, Number(bytes)); // the message that ends the stream need not repeat it
    if (!done && phase !== '') context.progress({ [key]: describe(phase, Number(bytes), Number(totalBytes)) });
  }
  return last;
}

/** What a round of a pre-copy shipped, and for how long its processes stood still. */
export type MemoryRound = {
  readonly round: number;
  readonly bytes: number;
  readonly ms: number;
  readonly pauseMs: number;
};

/** Of a round of a move: what it shipped. */
export async function drainRound(
  context: StepContext,
  stream: AsyncIterable<Progress>,
): Promise<{ readonly volume: Shipped; readonly memory: MemoryRound | undefined }> {
  let last: Progress | undefined;
  for await (const message of stream) {
    last = message;
    if (!message.done) context.progress({ fs_progress: describe(message.phase, Number(message.bytes), 0) });
  }
  const { bytes = 0n, ms = 0, memory } = last ?? {};
  const { round = 0, pauseMs = 0 } = memory ?? {};
  return {
    volume: { bytes: Number(bytes), ms },
    memory: memory && { round, bytes: Number(memory.bytes), ms: memory.ms, pauseMs },
  };
}

function describe(phase: string, bytes: number, total: number): string {
  if (total > 0) return `${phase}: ${Math.floor((100 * bytes) / total)}% of ${formatBytes(total)}`;
  return bytes > 0 ? `${phase}: ${formatBytes(bytes)}` : phase;
}
