/** The two ends of a move on fake hosts: held on both sides until the verdict, as the real agent does it. */
import { fail } from '../../domain/errors.ts';
import type { AgentServer } from '../../rpc/agent-services.ts';
import type { InstanceSpec, MoveRef } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import type { FakeHost, FakeInstance } from './fake-host.ts';

export interface FakeMove {
  readonly role: 'source' | 'target';
  readonly instance: string;
  readonly spec: InstanceSpec;
  readonly live: boolean;
  /** Source: idle, held, gone. Target: idle, synced, held, running. */
  readonly state: 'idle' | 'synced' | 'held' | 'gone' | 'running';
  /** Target: what has come of its disk, its snapshots and what is kept with them. */
  readonly brought?: Brought;
}

type Brought = Pick<FakeInstance, 'content' | 'memory' | 'snapshots'>;

type MoveVerbs = Pick<
  AgentServer,
  | 'checkMove'
  | 'prepareMove'
  | 'syncMove'
  | 'freezeMove'
  | 'awaitMove'
  | 'resumeMove'
  | 'servePages'
  | 'awaitPages'
  | 'commitMove'
  | 'abortMove'
>;

export function moveVerbs(host: FakeHost, all: ReadonlyMap<string, FakeHost>): MoveVerbs {
  const key = (ref: MoveRef | undefined) => `${ref!.move}/${ref!.instance}`;
  const get = (ref: MoveRef | undefined) => host.moves.get(key(ref));
  const put = (ref: MoveRef | undefined, move: FakeMove) => host.moves.set(key(ref), move);
  const source = (ref: MoveRef | undefined): FakeMove => {
    const spec = host.instances.get(ref!.instance)?.spec ?? fail('not-found', 'not on this host');
    if (spec.generation >= ref!.generation) fail('conflict', 'the target would not have a newer generation');
    return get(ref) ?? { role: 'source', instance: ref!.instance, spec, live: true, state: 'idle' };
  };
  const brought = (id: string): Brought => {
    const { content, memory, snapshots } = host.instances.get(id)!;
    return { content, memory, snapshots };
  };
  const peer = (token: string, ref: MoveRef | undefined) => {
    const target = all.get(token.split('/')[0]!)!;
    if (target.down) fail('unavailable', `node ${target.name} cannot be reached`);
    const move = target.moves.get(key(ref)) ?? fail('conflict', 'the target is not prepared');
    return { move, set: (next: FakeMove) => target.moves.set(key(ref), next) };
  };

  return {
    checkMove: async ({ mode }) => ({
      mode: mode === 'post-copy' ? mode : 'stop-and-copy',
      verdict: host.verdict,
      obstacles:
        host.verdict === 'live' ? [] : [{ what: 'nested mounts', advice: 'unmount them', severity: host.verdict }],
    }),
    prepareMove: async ({ ref, spec, live }) => {
      const known = get(ref);
      if (known === undefined) put(ref, { role: 'target', instance: ref!.instance, spec: spec!, live, state: 'idle' });
      else if (known.state === 'held' || known.state === 'running')
        fail('conflict', `prepared already: ${known.state}`);
      return { token: `${host.name}/${ref!.move}`, address: host.name };
    },
    syncMove: async function* ({ ref, target, final }) {
      put(ref, source(ref));
      const other = peer(target!.token, ref);
      other.set({ ...other.move, state: 'synced', brought: brought(ref!.instance) });
      yield { phase: 'sync', bytes: final ? 10n : 100n, done: true };
    },
    freezeMove: async ({ ref, target }) => {
      const move = source(ref);
      if (move.state === 'held') return {};
      if (!host.runs(ref!.instance)) fail('conflict', 'it does not run');
      const other = peer(target!.token, ref);
      host.set(ref!.instance, { held: true });
      put(ref, { ...move, state: 'held' });
      other.set({ ...other.move, state: 'held', brought: brought(ref!.instance) });
      return { ms: { dump: 40 } };
    },
    awaitMove: async ref => {
      for (;;) {
        const move = get(ref) ?? fail('not-found', 'this move is not known here');
        if (move.state === 'held' || move.state === 'running' || !move.live) return { ms: { restore: 35 } };
        await new Promise(resolve => setTimeout(resolve, 2));
      }
    },
    resumeMove: async ref => {
      const move = get(ref);
      if (move === undefined) {
        if (host.instances.get(ref.instance)?.spec.generation === ref.generation) return {};
        return fail('conflict', 'nothing was restored here that could be resumed');
      }
      if (move.live && move.state !== 'held' && move.state !== 'running') fail('conflict', 'nothing was restored here');
      host.set(ref.instance, {
        ...move.brought,
        spec: move.spec,
        state: move.live ? 'running' : 'stopped',
        held: false,
      });
      host.moves.delete(key(ref));
      return { ms: { resume: 1 } };
    },
    servePages: async ref => ({ token: `${host.name}/${ref.move}`, address: host.name }),
    awaitPages: async ({ ref, source, givenUp }) => {
      const state = host.pages !== 'cut' ? host.pages : source ? 'here' : givenUp ? 'lost' : 'cut';
      if (state === 'lost') host.set(ref!.instance, { state: 'stopped' });
      return { state, why: givenUp || 'its source is gone' };
    },
    commitMove: async ref => {
      const found = host.instances.get(ref.instance);
      if (found === undefined) return {};
      const move = get(ref);
      if (host.runs(ref.instance)) fail('conflict', 'it was never frozen and runs here');
      if (move?.state === 'held' || found.held) host.set(ref.instance, { state: 'stopped', held: false });
      host.moves.delete(key(ref));
      return {};
    },
    abortMove: async ref => {
      const move = get(ref);
      if (move === undefined) return {};
      if (move.role === 'source' && move.state === 'held') host.set(ref.instance, { held: false });
      if (move.role === 'target' && move.state === 'running') fail('conflict', 'it runs here: cannot be taken back');
      host.moves.delete(key(ref));
      return {};
    },
  };
}
