/** Brings an image to a node, from the nodes that keep it, and remembers that it is there now. */
import { AppError, fail } from '../../domain/errors.ts';
import type { ImageRecord } from '../../domain/image.ts';
import type { ImageSource } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import type { Stored } from '../../store/keyspace.ts';
import { commitDecided } from '../decide.ts';
import { homeOf } from '../projects/project-store.ts';
import { isLost } from '../saga/live-agents.ts';
import type { StepContext } from '../saga/step-context.ts';
import { IMAGES } from '../spaces.ts';
import { drain } from './progress.ts';

/** Its use is noted once in this time: whoever counts in days needs no write for every instance. */
const NOTED_MS = 3600_000;

/** More sources than this only cost tokens. */
const MAX_SOURCES = 3;

/**
 * @param fingerprint '' = nothing to bring.
 * @returns whether it is a split image, which the agent wants to know when it unpacks it.
 * @throws AppError `not-found` when no reachable node has it.
 */
export async function ensureImage(context: StepContext, node: string, fingerprint: string): Promise<boolean> {
  if (fingerprint === '') return false;
  const image = needImage(context, fingerprint).value;
  const { split } = image;
  const agent = context.agents.of(node);
  const fetch = async (sources: readonly Sources[]) => {
    await drain(context, 'download_progress', agent.ensureImage({ fingerprint, split, sources: [...sources] }));
  };
  try {
    await fetch([]); // no tokens are issued for what is there already
  } catch (thrown) {
    if (AppError.from(thrown).code !== 'not-found') throw thrown;
    const sources = await sourcesOf(context, image, node);
    if (sources.length === 0) fail('unavailable', `No host that has image ${fingerprint.slice(0, 12)} can be reached`);
    await fetch(sources);
  }
  await commitDecided(context, () => {
    const stored = context.view.get(keyOf(context, fingerprint));
    if (stored === undefined) return undefined;
    const { nodes, lastUsedAt } = stored.value;
    const now = context.clock.now();
    const isNoted = lastUsedAt !== '' && now - Date.parse(lastUsedAt) < NOTED_MS;
    if (nodes.includes(node) && isNoted) return undefined;
    const kept = nodes.includes(node) ? nodes : [...nodes, node];
    return IMAGES.replace(stored, { ...stored.value, nodes: kept, lastUsedAt: new Date(now).toISOString() });
  });
  return split;
}

export function isSplit(context: StepContext, fingerprint: string): boolean {
  return context.view.get(keyOf(context, fingerprint))?.value.split ?? false;
}

type Sources = Pick<ImageSource, 'node' | 'meta' | 'rootfs'>;

async function sourcesOf(context: StepContext, image: ImageRecord, node: string): Promise<Sources[]> {
  const { fingerprint } = image;
  const peers = image.nodes.filter(each => each !== node && !isLost(context.view, each)).slice(0, MAX_SOURCES);
  const token = (peer: string, part: string) =>
    context.agents.of(peer).issueDataToken({ kind: 'image-download', params: { fingerprint, part } });
  const asked = peers.map(async peer => ({
    node: peer,
    meta: await token(peer, 'meta'),
    ...(image.split ? { rootfs: await token(peer, 'rootfs') } : {}),
  }));
  const answers = await Promise.allSettled(asked);
  return answers.flatMap(answer => (answer.status === 'fulfilled' ? [answer.value as Sources] : []));
}

function keyOf({ view, project }: StepContext, fingerprint: string) {
  return IMAGES.key(homeOf(view, project, 'images'), fingerprint);
}

function needImage(context: StepContext, fingerprint: string): Stored<ImageRecord> {
  return context.view.get(keyOf(context, fingerprint)) ?? fail('not-found', `Image not found: ${fingerprint}`);
}
