/**
 * Sees what containers do, also those that somebody else started or killed. The kernel tells when a container's cgroup
 * appears or goes (inotify on one folder), and a cheap look at all of them every second catches the rest: a guest that
 * was frozen by hand, a monitor that died without cleaning up: its cgroups are removed here. No process is started for it.
 */
import { type FSWatcher, mkdirSync, watch } from 'node:fs';
import type { Clock } from '../kit/clock.ts';
import type { Cgroups } from './cgroups.ts';
import type { Host } from './host.ts';
import { type Seen, STOPPED } from './lxc/look.ts';
import type { Runtime } from './runtime.ts';
import type { Ref } from './spec.ts';

export interface Status {
  readonly id: string;
  readonly generation: number;
  readonly state: Seen['state'] | 'error';
  readonly pid: number;
  readonly detail: string;
  /** ms since the epoch: when this agent first saw this state. */
  readonly since: number;
}

export interface Change {
  readonly instances: readonly Status[];
  /** No longer on this host. */
  readonly gone: readonly string[];
}

export interface Observer {
  /** Of every instance in the ledger. */
  list(): readonly Status[];
  /** Looks now at one of them, which a verb has just changed. */
  refresh(id: string): void;
  subscribe(listener: (change: Change) => void): () => void;
  close(): void;
}

const TICK_MS = 1000;
/** A start touches a dozen folders: one look after they settle. */
const SETTLE_MS = 20;
/** Every so many ticks a full look, so that a pid used again by another program is found out. */
const FULL_LOOK_TICKS = 10;

interface Known {
  readonly status: Status;
  readonly seen: Seen;
}

/** As much of a host as observing needs. */
export interface Observed extends Pick<Host, 'locks' | 'isMoving'> {
  readonly ledger: { list(): readonly { readonly spec: Ref }[]; get(id: string): { readonly spec: Ref } | undefined };
  readonly runtime: Pick<Runtime, 'look' | 'lookAgain'>;
  readonly cgroups: Pick<Cgroups, 'top' | 'ids' | 'clear'>;
  readonly clock: Pick<Clock, 'now'>;
}

export function observe(host: Observed): Observer {
  const known = new Map<string, Known>();
  const listeners = new Set<(change: Change) => void>();
  let ticks = 0;
  let settling: NodeJS.Timeout | undefined;

  const lookAt = (id: string, generation: number, full: boolean): Known => {
    const before = known.get(id);
    const seen = before && !full ? host.runtime.lookAgain(id, before.seen) : host.runtime.look(id);
    if (before && (sameAs(before, seen, generation) || isPassing(before, generation))) return before;
    // By an agent that was restarted in the middle of a move: the move holds it, its user did not freeze it.
    const state = seen.state === 'frozen' && host.isMoving(id) ? 'running' : seen.state;
    return { seen, status: { id, generation, state, pid: seen.pid, detail: '', since: host.clock.now() } };
  };

  /** Under a verb or a move it passes through states that are nobody's news. */
  const isPassing = ({ status }: Known, generation: number): boolean =>
    status.generation === generation && (host.locks.held(status.id) || host.isMoving(status.id));

  /** @returns its status if that is news. */
  const learn = ({ id, generation }: Ref, full: boolean): readonly Status[] => {
    const now = lookAt(id, generation, full);
    if (now === known.get(id)) return [];
    known.set(id, now);
    return [now.status];
  };

  const tell = (instances: readonly Status[], gone: readonly string[]): void => {
    for (const id of gone) known.delete(id);
    if (instances.length + gone.length === 0) return;
    for (const listener of listeners) listener({ instances, gone });
  };

  const refreshOne = (id: string): void => {
    const spec = host.ledger.get(id)?.spec;
    if (spec !== undefined) tell(learn(spec, true), []);
    else if (known.has(id)) tell([], [id]);
  };

  const refreshAll = (): void => {
    const full = ticks % FULL_LOOK_TICKS === 0;
    // What has no cgroups and had no process is as it was: most are, and each look at one costs an open that fails.
    const alive = new Set(host.cgroups.ids());
    const isIdle = ({ id, generation }: Ref): boolean => {
      const before = known.get(id);
      return (
        before?.seen.pid === 0 && before.seen.monitor === 0 && before.status.generation === generation && !alive.has(id)
      );
    };
    const specs = host.ledger.list().map(({ spec }) => spec);
    const here = new Set(specs.map(({ id }) => id));
    tell(
      specs.flatMap(spec => (isIdle(spec) ? [] : learn(spec, full))),
      [...known.keys()].filter(id => !here.has(id)),
    );
  };

  /** Of those that have ended and belong to nobody's verb or move. What still holds processes is looked at again. */
  const clearLeftovers = (): void => {
    const left = new Set(host.cgroups.ids());
    for (const each of known.values()) {
      const { id, generation, state } = each.status;
      if (state !== 'stopped' || !left.has(id) || isPassing(each, generation)) continue;
      try {
        host.cgroups.clear(id);
      } catch {} // LXC is about to do it, or somebody is dying
    }
  };

  const timer = setInterval(() => {
    ticks += 1;
    refreshAll();
    clearLeftovers();
  }, TICK_MS);
  const watcher = watchTop(host.cgroups.top, () => {
    settling ??= setTimeout(() => {
      settling = undefined;
      refreshAll();
    }, SETTLE_MS);
  });
  refreshAll();

  return {
    refresh: refreshOne,
    list: () => [...known.values()].map(({ status }) => status),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      clearInterval(timer);
      clearTimeout(settling);
      watcher?.close();
    },
  };
}

function sameAs(before: Known, seen: Seen, generation: number): boolean {
  const { status } = before;
  return status.state === seen.state && status.pid === seen.pid && status.generation === generation;
}

/** Without inotify on cgroups (some v1 kernels) the tick alone must do. */
function watchTop(folder: string, onEvent: () => void): FSWatcher | undefined {
  try {
    mkdirSync(folder, { recursive: true });
    return watch(folder, { persistent: false }, onEvent).on('error', () => {});
  } catch {
    return undefined;
  }
}

/** What a caller is told of an instance that is in the ledger but was not looked at yet. */
export const notSeenYet = (id: string, generation: number, now: number): Status => ({
  id,
  generation,
  state: STOPPED.state,
  pid: 0,
  detail: '',
  since: now,
});
