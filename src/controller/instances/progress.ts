/** Follows an agent's progress stream to its end, and tells the operation about it. */
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

function describe(phase: string, bytes: number, total: number): string {
  if (total > 0) return `${phase}: ${Math.floor((100 * bytes) / total)}% of ${formatBytes(total)}`;
  return bytes > 0 ? `${phase}: ${formatBytes(bytes)}` : phase;
}
