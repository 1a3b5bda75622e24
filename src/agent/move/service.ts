/** Binds the verbs of a move to the wire. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { fail } from '../../domain/errors.ts';
import { LIVE_MODES, type LiveMode } from '../../domain/move-mode.ts';
import type { AgentServer } from '../../rpc/agent-services.ts';
import type { DataToken as DataTokenMessage, MoveTimingsSchema } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import type { TlsIdentity } from '../../rpc/identity.ts';
import type { Host } from '../host.ts';
import { progressOf } from '../progress.ts';
import { parseRef, parseSpec } from '../spec.ts';
import { checkMove } from './check.ts';
import { parseMoveRef } from './key.ts';
import type { Moves } from './moves.ts';
import type { DataToken, Timings } from './ports.ts';
import { probeWire } from './wire-probe.ts';

/** The part of the service that is about moves. */
export function moveService(host: Host, moves: Moves, identity: TlsIdentity) {
  return {
    async checkMove({ ref, target, mode, detach, probe }) {
      if (target === undefined) fail('invalid', 'target is missing');
      const wireRate = probe && (await probeWire(parseToken(probe), identity));
      const found = await checkMove(host, parseRef(ref), target, { mode, detach, wireRate });
      return {
        ...found,
        obstacles: [...found.obstacles],
        memoryBytes: BigInt(found.memoryBytes),
        diskBytes: BigInt(found.diskBytes),
        wireRate: wireRate ?? 0,
      };
    },
    async prepareMove(request) {
      const key = parseMoveRef(request.ref, 'target');
      const spec = parseSpec(request.spec);
      if (spec.id !== key.instance || spec.generation !== key.generation) fail('invalid', 'spec and ref differ');
      return moves.prepare(key, spec, request.live ? parseMode(request.mode) : 'cold');
    },
    syncMove: request =>
      progressOf(async report => {
        const key = parseMoveRef(request.ref, 'source');
        report({ phase: 'sync', round: request.round });
        const mode = request.final ? 'cold' : parseMode(request.mode);
        const { volume, memory } = await moves.sync(key, parseToken(request.target), mode);
        const shipped = { bytes: BigInt(volume.bytes), ms: volume.ms };
        const pages = memory && { ...memory, bytes: BigInt(memory.bytes) };
        return { round: request.round, ...shipped, ...(pages && { memory: pages }) };
      }),
    freezeMove: async ({ ref, target, mode }) =>
      toMessage(await moves.freeze(parseMoveRef(ref, 'source'), parseToken(target), parseMode(mode))),
    servePages: ref => moves.servePages(parseMoveRef(ref, 'source')),
    async awaitPages({ ref, source, givenUp }, { signal }) {
      const way = source && parseToken(source);
      const request = { signal, ...(way ? { way } : {}), ...(givenUp === '' ? {} : { givenUp }) };
      const { bytes, totalBytes, ...rest } = await moves.awaitPages(parseMoveRef(ref, 'target'), request);
      return { ...rest, bytes: BigInt(bytes), totalBytes: BigInt(totalBytes) };
    },
    awaitMove: async (ref, { signal }) => toMessage(await moves.awaitRestored(parseMoveRef(ref, 'target'), signal)),
    resumeMove: async ref => toMessage(await moves.resume(parseMoveRef(ref, 'target'))),
    commitMove: async ref => toMessage(await moves.commit(parseMoveRef(ref, 'source'))),
    async abortMove(ref) {
      await moves.abort(parseMoveRef(ref, ref.role === 'target' ? 'target' : 'source'));
      return {};
    },
  } satisfies Partial<AgentServer>;
}

/** @throws AppError `invalid` */
function parseMode(mode: string): LiveMode {
  const known = LIVE_MODES.find(each => each === (mode || 'stop-and-copy'));
  return known ?? fail('invalid', `"${mode}" is not a mode of a live move: ${LIVE_MODES.join(', ')}`);
}

function parseToken(message: DataTokenMessage | undefined): DataToken {
  if (message === undefined) fail('invalid', 'target is missing');
  return { token: message.token, address: message.address };
}

function toMessage({ ms, bytes }: Timings): MessageInitShape<typeof MoveTimingsSchema> {
  return { ms: { ...ms }, bytes: Object.fromEntries(Object.entries(bytes).map(([name, n]) => [name, BigInt(n)])) };
}
