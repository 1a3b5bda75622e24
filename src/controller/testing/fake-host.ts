/** One host in memory: its ledger, what runs, its images, pools and networks; and the service that an agent would offer. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { fail } from '../../domain/errors.ts';
import type { AgentServer } from '../../rpc/agent-services.ts';
import type { InstanceSpec, InstanceStatusSchema, ObservationSchema } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import type { NetworkCard, NetworkForward } from '../../rpc/gen/berth/agent/v1/network_pb.ts';
import { type FakeMove, moveVerbs } from './fake-moves.ts';
import { copied, fromBackup, type Saved, snapshotVerbs } from './fake-snapshots.ts';
import { volumeVerbs } from './fake-volumes.ts';
import type { Tap } from './fake-world.ts';

export interface FakeInstance extends Saved {
  readonly spec: InstanceSpec;
  readonly state: 'running' | 'stopped' | 'frozen';
  /** Standing still for a move: not running, though nothing was asked of it. */
  readonly held: boolean;
  /** By id. */
  readonly snapshots: ReadonlyMap<string, Saved>;
}

const NEW = { state: 'stopped', held: false, content: 'as made', memory: false, snapshots: new Map() } as const;

export interface FakeHost {
  readonly name: string;
  readonly instances: Map<string, FakeInstance>;
  readonly images: Set<string>;
  readonly uploads: Map<string, string>;
  /** Ids of the backups that it keeps. */
  readonly backups: Set<string>;
  /** Ids of custom volumes, each with those of its snapshots. */
  readonly volumes: Map<string, Set<string>>;
  readonly moves: Map<string, FakeMove>;
  readonly pools: Set<string>;
  readonly networks: Set<string>;
  /** By network, as they were told last. */
  readonly cards: Map<string, readonly NetworkCard[]>;
  readonly forwards: Map<string, readonly NetworkForward[]>;
  readonly service: AgentServer;
  bootId: string;
  /** Calls fail with `unavailable`, streams end. */
  down: boolean;
  tap: Tap | undefined;
  /** Verdict that CheckMove gives. */
  verdict: 'live' | 'restart' | 'no';
  /** What becomes of memory that is to follow in a post-copy. `cut`: it comes with the next way to its source. */
  pages: 'here' | 'cut' | 'lost';
  runs(id: string): boolean;
  /** Behind the controller's back, too. */
  set(id: string, change: Partial<FakeInstance>): void;
  remove(id: string): void;
  /** Everything stops, as when the power fails; a new boot id. */
  reboot(): void;
  setDown(down: boolean): void;
}

export function makeHost(name: string, all: ReadonlyMap<string, FakeHost>, check: (id: string) => void): FakeHost {
  const instances = new Map<string, FakeInstance>();
  const listeners = new Set<() => void>();
  const tell = () => {
    for (const listener of [...listeners]) listener();
  };
  const host: FakeHost = {
    name,
    instances,
    images: new Set(),
    uploads: new Map(),
    backups: new Set(),
    volumes: new Map(),
    moves: new Map(),
    pools: new Set(['default']),
    networks: new Set(['net0']),
    cards: new Map(),
    forwards: new Map(),
    service: undefined as unknown as AgentServer,
    bootId: `${name}-boot-1`,
    down: false,
    tap: undefined,
    verdict: 'live',
    pages: 'here',
    runs: id => {
      const found = instances.get(id);
      return found !== undefined && found.state !== 'stopped' && !found.held;
    },
    set: (id, change) => {
      const old = instances.get(id);
      const spec = change.spec ?? old?.spec ?? fail('internal', `no spec for ${id}`);
      instances.set(id, { ...NEW, ...old, ...change, spec });
      check(id);
      tell();
    },
    remove: id => {
      instances.delete(id);
      tell();
    },
    reboot: () => {
      host.bootId = `${host.bootId}+`;
      host.moves.clear();
      for (const [id, old] of instances) instances.set(id, { ...old, state: 'stopped', held: false });
      host.setDown(true);
      host.setDown(false);
    },
    setDown: down => {
      host.down = down;
      tell();
    },
  };
  const watch: Watch = {
    listen: listener => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return Object.assign(host, { service: serviceOf(host, all, watch) });
}

interface Watch {
  listen(listener: () => void): () => void;
}

function serviceOf(host: FakeHost, all: ReadonlyMap<string, FakeHost>, watch: Watch): AgentServer {
  const { instances } = host;
  const refuseOlder = (id: string, generation: bigint) => {
    const known = instances.get(id)?.spec.generation ?? 0n;
    if (generation < known) fail('conflict', `generation ${generation} of ${id} is older than ${known}`);
  };
  const expect = (ref: { id: string; generation: bigint } | undefined): FakeInstance => {
    if (ref === undefined) return fail('invalid', 'ref is missing');
    refuseOlder(ref.id, ref.generation);
    const found = instances.get(ref.id);
    if (found?.spec.generation !== ref.generation) fail('not-found', `instance ${ref.id} is not on this host`);
    return found!;
  };
  const statusOf = (id: string): MessageInitShape<typeof InstanceStatusSchema> => {
    const found = instances.get(id)!;
    const state = found.held ? 'frozen' : found.state;
    return { id, generation: found.spec.generation, state, pid: state === 'stopped' ? 0n : 1234n, since: 1n };
  };
  const pools = () =>
    [...host.pools].map(pool => ({ name: pool, driver: 'dir', totalBytes: 1n << 40n, usedBytes: 1n << 30n }));

  return {
    getHost: async () => ({
      node: host.name,
      bootId: host.bootId,
      architecture: 'x86_64',
      kernel: '6.18',
      agentVersion: 'fake',
      dataAddress: `${host.name}:1`,
      cpus: 4,
      memoryBytes: 8n << 30n,
      pools: pools(),
      networks: [...host.networks],
      criu: { works: true, version: '4.2' },
    }),
    examine: async () => ({ checks: [] }),
    observe: async function* ({ heartbeatMs }, { signal }) {
      let full = true;
      let known = new Map<string, string>();
      for (;;) {
        if (host.down) fail('unavailable', `node ${host.name} cannot be reached`);
        const now = new Map([...instances.keys()].map(id => [id, JSON.stringify(statusOf(id), bigints)]));
        const changed = [...now].filter(([id, text]) => full || known.get(id) !== text).map(([id]) => statusOf(id));
        const gone = [...known.keys()].filter(id => !now.has(id));
        const observation: MessageInitShape<typeof ObservationSchema> = { full, instances: changed, gone };
        yield { ...observation, bootId: host.bootId, memoryUsedBytes: 1n, load1: 0, pools: pools() };
        full = false;
        known = now;
        await changeOr(watch, heartbeatMs, signal);
        if (signal.aborted) return;
      }
    },
    ensurePool: async ({ name }) => {
      host.pools.add(name);
      return { name, driver: 'dir' };
    },
    ensureNoPool: async ({ name }) => done(host.pools.delete(name)),
    ensureNetwork: async ({ name }) => done(host.networks.add(name)),
    ensureNoNetwork: async ({ name }) => done(host.networks.delete(name)),
    ensureCards: async ({ network, cards }) => done(host.cards.set(network, cards)),
    ensureForwards: async ({ network, forwards }) => done(host.forwards.set(network, forwards)),
    getNetworkState: async ({ name }) =>
      host.networks.has(name)
        ? { there: true, isBridge: true, ours: true, up: true, mtu: 1500, hwaddr: '02:00:00:00:00:01', bytesSent: 7n }
        : { there: name.startsWith('wire') },

    issueDataToken: async ({ kind, params }) => {
      if (kind === 'image-download' && !host.images.has(params.fingerprint ?? '')) fail('not-found', 'no such image');
      return { token: `${host.name}/${params.fingerprint}`, address: host.name };
    },
    finishUpload: async ({ upload, expectedFingerprint, discard }) => {
      const fingerprint = host.uploads.get(upload) ?? (host.images.has(expectedFingerprint) ? expectedFingerprint : '');
      if (discard) {
        host.uploads.delete(upload);
        return {};
      }
      if (fingerprint === '') fail('not-found', `upload ${upload} is not known`);
      if (expectedFingerprint !== '' && expectedFingerprint !== fingerprint) fail('invalid', 'wrong fingerprint');
      host.images.add(fingerprint); // the upload is remembered, so that the answer can be given again
      return { fingerprint, sizeBytes: 1000n, architecture: 'x86_64', properties: { os: 'busybox' } };
    },
    ensureImage: async function* ({ fingerprint, sources }) {
      if (!host.images.has(fingerprint)) {
        if (sources.length === 0) fail('not-found', `image ${fingerprint} is not here`);
        yield { phase: 'download', bytes: 500n, totalBytes: 1000n };
        host.images.add(fingerprint);
      }
      yield { done: true };
    },
    findStoreImage: async () => ({ fingerprint: 'c'.repeat(64), architecture: 'x86_64', public: true }),
    getImageMetadata: async ({ fingerprint }) => {
      if (!host.images.has(fingerprint)) fail('not-found', `image ${fingerprint} is not here`);
      const hostname = { when: ['create', 'copy'], file: 'hostname.tpl', createOnly: false, properties: {} };
      const metadata = {
        architecture: 'x86_64',
        createdAt: 1,
        expiresAt: 0,
        properties: { os: 'fake' },
        templates: { '/etc/hostname': hostname },
      };
      return { json: JSON.stringify({ metadata, templates: { 'hostname.tpl': '{{ container.name }}\n' } }) };
    },
    downloadImage: async function* ({ upload, image }) {
      host.uploads.set(upload, image!.fingerprint);
      yield { done: true };
    },
    publishInstance: async function* ({ ref, upload }) {
      expect(ref);
      host.uploads.set(upload, 'd'.repeat(64));
      yield { done: true };
    },
    ensureBackup: async function* ({ ref, backup }) {
      expect(ref);
      host.backups.add(backup);
      yield { done: true };
    },
    ensureNoBackup: async ({ backup }) => done(host.backups.delete(backup)),
    examineBackup: async ({ upload }) => ({
      index: host.uploads.get(upload) ?? fail('not-found', `upload ${upload} is not known`),
    }),
    ensureNoImage: async ({ fingerprint }) => done(host.images.delete(fingerprint)),

    ensureInstance: async function* ({ spec, copy, backup }) {
      refuseOlder(spec!.id, spec!.generation);
      if (spec!.image !== '' && !host.images.has(spec!.image)) fail('not-found', `image ${spec!.image} is not here`);
      yield { phase: 'clone' };
      if (!instances.has(spec!.id))
        host.set(spec!.id, { spec: spec!, ...(copy && copied(instances, copy)), ...(backup && fromBackup(backup)) });
      yield { done: true };
    },
    ensureNoInstance: async ({ ref }) => {
      refuseOlder(ref!.id, ref!.generation);
      host.remove(ref!.id);
      return {};
    },
    ensureConfig: async ({ spec }) => {
      expect(spec);
      if (spec!.config['user.refuse'] === 'true') fail('unsupported', 'this host cannot do that');
      host.set(spec!.id, { spec: spec! });
      return {};
    },
    ensureState: async ({ ref, state, force, stateful, spec }) => {
      const found = expect(ref);
      if (state === 'running' && found.spec.config['user.start'] === 'fails') fail('unsupported', 'init is missing');
      if (state === 'stopped' && !force && found.spec.config['user.stop'] === 'hangs') fail('deadline', 'did not stop');
      if (stateful && state === 'running' && found.state !== 'running' && !found.memory) fail('conflict', 'no state');
      const memory = state === 'stopped' && stateful;
      if (memory && found.state === 'stopped' && !found.memory) fail('conflict', 'it stopped by itself');
      host.set(ref!.id, { state: state as FakeInstance['state'], memory, ...(spec && { spec: spec as InstanceSpec }) });
      return statusOf(ref!.id);
    },
    getInstanceState: async ref => {
      expect(ref);
      return { status: statusOf(ref.id) };
    },
    observeUsage: async function* () {
      const running = [...instances].filter(([, { state }]) => state !== 'stopped');
      yield {
        instances: running.map(([id, { spec }]) => ({ id, generation: spec.generation, state: { processes: 1 } })),
      };
    },
    getLog: async () => ({ text: '' }),
    openFiles: async () => fail('unsupported', 'the fake host has no files'),
    exec: async function* () {
      yield* [];
      fail('unsupported', 'the fake host runs no commands');
    },
    ...snapshotVerbs(host, expect),
    ...moveVerbs(host, all),
    ...volumeVerbs(host, all),
  };
}

function done(_result: unknown): Record<string, never> {
  return {};
}

function changeOr(watch: Watch, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const finish = () => {
      stop();
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const stop = watch.listen(finish);
    const timer = setTimeout(finish, ms);
    signal.addEventListener('abort', finish, { once: true });
    if (signal.aborted) finish();
  });
}

const bigints = (_key: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value);
