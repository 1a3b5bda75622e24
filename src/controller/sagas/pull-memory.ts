/**
 * The tail of a post-copy: the instance runs on the target, and its memory follows. The source is asked for another way to it
 * when the stream is cut, and given up when it is lost: then the instance ends, for it would go on with holes in its memory.
 */
import { AppError, fail, RETRYABLE } from '../../domain/errors.ts';
import { formatBytes } from '../../domain/size.ts';
import type { DataToken } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import { NodeLost } from '../saga/node-lost.ts';
import type { StepContext } from '../saga/step-context.ts';
import { NODES } from '../spaces.ts';
import { type Moving, moveRef } from './move-steps.ts';

/** What is known of it when the source has served its last page, or none any more. */
export type Pulled = {
  readonly ms: number;
  readonly bytes: number /** Why not all of it came; '' = all. */;
  readonly lost: string;
};

type Source = { readonly way: DataToken } | { readonly givenUp: string };

/** Repeatable. @throws AppError that may be repeated; `NodeLost` of the target */
export async function pullMemory(context: StepContext, moving: Moving): Promise<Pulled> {
  const { input, reserve } = moving;
  const target = context.agents.of(reserve.to);
  const ref = moveRef(context, input, reserve, 'target');
  for (let source: Source | undefined; ; ) {
    const said = source === undefined ? {} : 'way' in source ? { source: source.way } : { givenUp: source.givenUp };
    const { state, bytes, totalBytes, why, ms } = await target.awaitPages({ ref, ...said });
    source = undefined;
    switch (state) {
      case 'here':
        return { ms, bytes: Number(bytes), lost: '' };
      case 'lost':
        return { ms, bytes: Number(bytes), lost: why || 'its source is gone' };
      case 'cut':
        context.log('the source of the memory was cut off', { why });
        source = await askSource(context, moving);
        break;
      case 'coming':
        context.progress({ memory_progress: describe(Number(bytes), Number(totalBytes)) });
        break;
      default:
        fail('internal', `host ${reserve.to} says "${state}" of its memory`);
    }
  }
}

/**
 * A target that is offline may run the instance all the same and fetch its memory, or wait for a word before it does: so
 * this is repeated until it is back, or removed from the cluster. @throws AppError `unavailable` while it is away
 */
export async function keepForTarget<T>(context: StepContext, { reserve }: Moving, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const { from, to } = reserve;
    const away = thrown instanceof NodeLost && thrown.node === to && context.view.get(NODES.key(to)) !== undefined;
    if (!away) throw thrown;
    throw new AppError('unavailable', `node ${to} is offline; node ${from} keeps the memory for it`, thrown);
  }
}

/** It was let run and stands still for want of a page: whoever resumes it again has to bring a way to the source. */
export async function reconnect(context: StepContext, moving: Moving): Promise<void> {
  const { input, reserve } = moving;
  const source = await askSource(context, moving);
  const said = 'way' in source ? { source: source.way } : { givenUp: source.givenUp };
  await context.agents.of(reserve.to).awaitPages({ ref: moveRef(context, input, reserve, 'target'), ...said });
}

async function askSource(context: StepContext, { input, reserve }: Moving): Promise<Source> {
  try {
    return { way: await context.agents.of(reserve.from).servePages(moveRef(context, input, reserve, 'source')) };
  } catch (thrown) {
    const error = AppError.from(thrown);
    if (error instanceof NodeLost) return { givenUp: `node ${error.node} was lost before all memory had left it` };
    if (RETRYABLE[error.code]) throw error;
    return { givenUp: error.message };
  }
}

function describe(bytes: number, total: number): string {
  return total === 0 ? 'memory' : `memory: ${Math.floor((100 * bytes) / total)}% of ${formatBytes(total)}`;
}
