/**
 * The tail of a post-copy: the instance runs on the target, and its memory follows. The source is asked for another way to it
 * when the stream is cut, waited for while it may come back, and given up when it is lost: then the instance ends, for it
 * would go on with holes in its memory.
 */
import { AppError, fail, RETRYABLE } from '../../domain/errors.ts';
import { formatBytes } from '../../domain/size.ts';
import type { DataToken } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import { NodeLost } from '../saga/node-lost.ts';
import type { StepContext } from '../saga/step-context.ts';
import { NODE_STATUS, NODES } from '../spaces.ts';
import { type Moving, moveRef } from './move-steps.ts';

/** What is known of it when the source has served its last page, or none any more. */
export type Pulled = {
  readonly ms: number;
  readonly bytes: number /** Why not all of it came; '' = all. */;
  readonly lost: string;
};

/**
 * A source is given up so long after it was called offline. An agent that is started anew, a switch or a link that comes back
 * are there within it; a host that boots again has lost the memory. Meanwhile whatever misses a page stands still.
 */
export const SOURCE_BACK_MS = 60_000;

/** LXD's key; the rounds of the volume were told by it, too, and clients show one text. */
export const PROGRESS = 'fs_progress';

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
    if (state !== 'cut') context.progress({ [PROGRESS]: describe(Number(bytes), Number(totalBytes)) });
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

/** @throws AppError that may be repeated, while the source may still come back: the operation says what is waited for */
async function askSource(context: StepContext, { input, reserve }: Moving): Promise<Source> {
  try {
    return { way: await context.agents.of(reserve.from).servePages(moveRef(context, input, reserve, 'source')) };
  } catch (thrown) {
    const error = AppError.from(thrown);
    if (error instanceof NodeLost && !mayComeBack(context, error.node))
      return { givenUp: `node ${error.node} was lost before all memory had left it` };
    if (!RETRYABLE[error.code]) return { givenUp: error.message };
    const waiting = `memory: waiting for node ${reserve.from}, which has the rest of it`;
    context.progress({ [PROGRESS]: waiting });
    throw new AppError('unavailable', waiting, error); // no `NodeLost`: that would not be repeated
  }
}

/** Away by the cluster's judgement: removed for good, or offline since a short while. */
function mayComeBack({ view, clock }: StepContext, node: string): boolean {
  if (view.get(NODES.key(node)) === undefined) return false;
  const status = view.get(NODE_STATUS.key(node))?.value;
  return status?.state !== 'offline' || clock.now() - status.since < SOURCE_BACK_MS;
}

function describe(bytes: number, total: number): string {
  return total === 0 ? 'memory' : `memory: ${Math.floor((100 * bytes) / total)}% of ${formatBytes(total)}`;
}
