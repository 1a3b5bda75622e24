/** Follows an agent's progress stream to its end, and tells the operation about it. */
import { formatBytes } from '../../domain/size.ts';
import type { Progress } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import type { StepContext } from '../saga/step-context.ts';

/**
 * @param key must end in `_progress`: clients show such texts.
 * @returns the bytes of the last message.
 */
export async function drain(context: StepContext, key: string, stream: AsyncIterable<Progress>): Promise<number> {
  let last = 0;
  for await (const { phase, bytes, totalBytes } of stream) {
    last = Number(bytes);
    if (phase !== '') context.progress({ [key]: `${phase}: ${amount(last, Number(totalBytes))}` });
  }
  return last;
}

function amount(bytes: number, total: number): string {
  return total > 0 ? `${Math.floor((100 * bytes) / total)}% of ${formatBytes(total)}` : formatBytes(bytes);
}
