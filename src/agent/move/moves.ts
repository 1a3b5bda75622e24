/**
 * The verbs of a move as the agent offers them: the two ends, bound to what this host owns. The ledger changes hands
 * here: the target records the instance as its own before it lets it run, the source wants it stopped once it is gone.
 */
import { fail } from '../../domain/errors.ts';
import type { AgentMode, LiveMode } from '../../domain/move-mode.ts';
import type { Host } from '../host.ts';
import { pinCpus } from '../instance-files.ts';
import { rootDisk, type Spec } from '../spec.ts';
import { onDisk } from '../storage/disk-error.ts';
import { hostPorts, MOVE_STREAM, type MoveParts } from './host-ports.ts';
import type { MoveKey } from './key.ts';
import { withRoom } from './moves-folder.ts';
import { PAGES_STREAM } from './pages/pages-folder.ts';
import type { PagesHere, PagesRequest } from './pages/pages-in.ts';
import type { DataToken, Timings } from './ports.ts';
import { createSource, type SyncReport } from './source.ts';
import { createTarget } from './target.ts';
import { serveProbes } from './wire-probe.ts';

export interface Moves {
  prepare(key: MoveKey, spec: Spec, mode: AgentMode): Promise<DataToken>;
  sync(key: MoveKey, target: DataToken, mode: AgentMode): Promise<SyncReport>;
  freeze(key: MoveKey, target: DataToken, mode: LiveMode): Promise<Timings>;
  awaitRestored(key: MoveKey, signal: AbortSignal): Promise<Timings>;
  resume(key: MoveKey): Promise<Timings>;
  commit(key: MoveKey): Promise<Timings>;
  /** Source of a post-copy: a permission to fetch pages again, after a cut. */
  servePages(key: MoveKey): Promise<DataToken>;
  /** Target of a post-copy: until all memory is here. */
  awaitPages(key: MoveKey, request: PagesRequest): Promise<PagesHere>;
  /** Of either end, as the key says. */
  abort(key: MoveKey): Promise<void>;
}

const NOTHING: Timings = { ms: {}, bytes: {} };

/** Also begins to take streams of moves on the data plane. */
export function openMoves(host: Host, parts: MoveParts): Moves {
  const ports = hostPorts(host, parts);
  const source = createSource(ports);
  const target = createTarget(ports);
  parts.dataPlane.handle(PAGES_STREAM, ({ channel, params }) => source.acceptPages(channel, params));
  serveProbes(parts.dataPlane);
  parts.dataPlane.handle(MOVE_STREAM, ({ channel, params }) => target.incoming.accept(channel, params));

  /** What the source has, under an older ownership; undefined if this host has nothing of it, or has it back. */
  const givenAway = ({ instance, generation }: MoveKey): Spec | undefined => {
    const spec = host.ledger.get(instance)?.spec;
    return spec !== undefined && spec.generation < generation ? spec : undefined;
  };
  const expectOurs = (key: MoveKey): Spec =>
    givenAway(key) ?? fail('conflict', `instance ${key.instance} is not on this host under an older generation`);

  return {
    sync: (key, token, mode) => withRoom(ports.root, () => source.sync(key, expectOurs(key), token, mode)),
    freeze: (key, token, mode) => withRoom(ports.root, () => source.freeze(key, expectOurs(key), token, mode)),
    servePages: key => source.issuePages(key),
    awaitPages: (key, request) => onDisk(host.paths.data, () => target.awaitPages(key, request)),

    async commit(key) {
      const spec = givenAway(key);
      if (spec === undefined) return NOTHING;
      const timings = await source.commit(key, spec);
      const entry = host.ledger.get(spec.id);
      if (entry !== undefined) await host.ledger.put({ ...entry, wanted: 'stopped' });
      return timings;
    },

    async prepare(key, spec, mode) {
      host.ledger.refuseOlder({ id: key.instance, generation: key.generation });
      const stale = host.ledger.get(key.instance);
      if (stale !== undefined) {
        const { generation } = stale.spec;
        fail('conflict', `this host has instance ${key.instance} already, generation ${generation}: remove it first`);
      }
      return withRoom(ports.root, () => target.prepare(key, spec, mode));
    },
    awaitRestored: (key, signal) => target.awaitRestored(key, signal),

    async resume(key) {
      const { id, generation } = { id: key.instance, generation: key.generation };
      host.ledger.refuseOlder({ id, generation });
      const record = await target.recordOf(key);
      const known = host.ledger.get(id);
      if (record === undefined) {
        if (known?.spec.generation === generation) return NOTHING; // resumed before
        return fail('not-found', `move ${key.move} of instance ${id} is not known here`);
      }
      const { spec, mode } = record;
      const pool = rootDisk(spec.devices)?.options.pool ?? '';
      const entry = { spec, pool, wanted: mode === 'cold' ? 'stopped' : 'running', cpus: pinCpus(host, spec) } as const;
      return onDisk(host.paths.data, async () => {
        await host.ledger.put(entry);
        return target.resume(key, spec);
      });
    },

    async abort(key) {
      if (key.role === 'source') {
        const spec = givenAway(key);
        if (spec !== undefined) await source.abort(key, spec);
        return;
      }
      const owned = host.ledger.get(key.instance)?.spec.generation === key.generation;
      if (owned && (await target.recordOf(key)) === undefined) {
        fail('conflict', `instance ${key.instance} lives here now: this move cannot be taken back`);
      }
      await target.abort(key);
      if (owned) await host.ledger.remove(key.instance); // it was lost when it was let run
    },
  };
}
