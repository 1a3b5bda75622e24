/**
 * Agents for the steps of one saga: every call ends when the saga's signal aborts, and when its node goes offline, so
 * that nobody waits for a host that is gone. Such a call fails with `NodeLost`, at once if the node is offline already.
 */
import { AppError, RETRYABLE } from '../../domain/errors.ts';
import { AGENT_SERVICES, type AgentClient } from '../../rpc/agent-services.ts';
import type { CallOptions } from '../../rpc/shapes.ts';
import type { View } from '../../store/view.ts';
import type { Agents } from '../agents.ts';
import { NODE_STATUS, NODES } from '../spaces.ts';
import { NodeLost } from './node-lost.ts';

type AnyCall = (request: unknown, options?: CallOptions) => unknown;

export function liveAgents(agents: Agents, view: View, signal: AbortSignal): Agents {
  const clients = new Map<string, AgentClient>();
  return {
    of: node => {
      if (isLost(view, node)) throw new NodeLost(node);
      const known = clients.get(node) ?? liveClient(agents.of(node), view, node, signal);
      clients.set(node, known);
      return known;
    },
  };
}

/** Removed, or offline by the judgement of the reconciler `observe`. A node not judged yet counts as there. */
export function isLost(view: View, node: string): boolean {
  return view.get(NODES.key(node)) === undefined || view.get(NODE_STATUS.key(node))?.value.state === 'offline';
}

function liveClient(client: AgentClient, view: View, node: string, signal: AbortSignal): AgentClient {
  const methods = AGENT_SERVICES.flatMap(({ methods: all }) => all).map(method => {
    const call = client[method.localName as keyof AgentClient] as unknown as AnyCall;
    const stream = async function* (request: unknown, options?: CallOptions) {
      const watched = watch(view, node, signal, options?.signal);
      try {
        yield* call(request, { ...options, signal: watched.signal }) as AsyncIterable<unknown>;
      } catch (thrown) {
        throw watched.explain(thrown);
      } finally {
        watched.stop();
      }
    };
    const unary = async (request: unknown, options?: CallOptions) => {
      const watched = watch(view, node, signal, options?.signal);
      try {
        return await call(request, { ...options, signal: watched.signal });
      } catch (thrown) {
        throw watched.explain(thrown);
      } finally {
        watched.stop();
      }
    };
    return [method.localName, method.methodKind === 'unary' ? unary : stream];
  });
  return Object.fromEntries(methods) as AgentClient;
}

function watch(view: View, node: string, saga: AbortSignal, callers: AbortSignal | undefined) {
  const lost = new AbortController();
  const stop = view.onChange(() => {
    if (isLost(view, node)) lost.abort(new NodeLost(node));
  });
  return {
    signal: AbortSignal.any([saga, lost.signal, ...(callers ? [callers] : [])]),
    stop,
    /** What the agent itself said counts also when it went away since. */
    explain: (thrown: unknown): AppError => {
      const error = AppError.from(thrown);
      const unanswered = RETRYABLE[error.code] || error.code === 'cancelled';
      return unanswered && !saga.aborted && isLost(view, node) ? new NodeLost(node, thrown) : error;
    },
  };
}
