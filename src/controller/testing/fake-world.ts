/**
 * Hosts in memory that keep the agent's promises: verbs are repeatable, older generations are refused, a move holds both
 * sides until the verdict. The world checks after every change that no instance runs twice.
 */
import assert from 'node:assert/strict';
import { AppError, fail } from '../../domain/errors.ts';
import { AGENT_SERVICES, type AgentClient, type AgentServer } from '../../rpc/agent-services.ts';
import { connectInMemory } from '../../rpc/in-memory.ts';
import type { CallContext } from '../../rpc/shapes.ts';
import type { Agents } from '../agents.ts';
import { type FakeHost, makeHost } from './fake-host.ts';

/** Called before and after each verb; may throw, wait, or never return. */
export type Tap = (moment: {
  readonly node: string;
  readonly verb: string;
  readonly when: 'before' | 'after';
}) => unknown;

export interface FakeWorld {
  readonly hosts: ReadonlyMap<string, FakeHost>;
  host(name: string): FakeHost;
  /** Another host. */
  add(name: string): FakeHost;
  /** Agents as a controller sees them; `tap` belongs to this controller's calls only. */
  agents(tap?: Tap): Agents;
  /** Which hosts run the instance (frozen counts, standing still for a move does not). */
  runningOn(id: string): readonly string[];
}

export function makeWorld(...names: readonly string[]): FakeWorld {
  const hosts = new Map<string, FakeHost>();
  const runningOn = (id: string) => [...hosts.values()].filter(host => host.runs(id)).map(({ name }) => name);
  const add = (name: string) => {
    const host = makeHost(name, hosts, id => {
      assert.ok(runningOn(id).length <= 1, `instance ${id} runs on ${runningOn(id).join(' and ')}`);
    });
    hosts.set(name, host);
    return host;
  };
  for (const name of names) add(name);
  const host = (name: string) => hosts.get(name) ?? fail('not-found', `no host ${name}`);
  return {
    hosts,
    host,
    add,
    agents: tap => {
      const clients = new Map<string, AgentClient>();
      return {
        of: name => {
          const client = clients.get(name) ?? connectInMemory(AGENT_SERVICES, tapped(host(name), tap));
          clients.set(name, client);
          return client;
        },
      };
    },
    runningOn,
  };
}

/** Ends calls that are aborted, as a transport would: verbs themselves need not listen. */
function tapped(host: FakeHost, tap: Tap = () => {}): AgentServer {
  const verbs = AGENT_SERVICES.flatMap(({ methods }) => methods).map(method => {
    const verb = method.localName;
    const serve = host.service[verb as keyof AgentServer] as unknown as (
      request: unknown,
      context: CallContext,
    ) => unknown;
    const reach = async (when: 'before' | 'after', signal: AbortSignal) => {
      await orAborted(
        (async () => {
          if (host.down) throw new AppError('unavailable', `node ${host.name} cannot be reached`);
          await host.tap?.({ node: host.name, verb, when });
          await tap({ node: host.name, verb, when });
          if (host.down) throw new AppError('unavailable', `node ${host.name} cannot be reached`);
        })(),
        signal,
      );
    };
    const unary = async (request: unknown, context: CallContext) => {
      await reach('before', context.signal);
      const answer = await orAborted(Promise.resolve(serve(request, context)), context.signal);
      await reach('after', context.signal);
      return answer;
    };
    const stream = async function* (request: unknown, context: CallContext) {
      await reach('before', context.signal);
      yield* serve(request, context) as AsyncIterable<unknown>;
      await reach('after', context.signal);
    };
    return [verb, method.methodKind === 'unary' ? unary : stream];
  });
  return Object.fromEntries(verbs) as AgentServer;
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new AppError('cancelled', 'the caller went away'));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
