/** A cluster in one process: real controllers, store in memory, fake hosts. */
import assert from 'node:assert/strict';
import type { AllocationRecord } from '../../domain/node.ts';
import { plus } from '../../domain/resources.ts';
import { openMemoryStore } from '../../store/memory-store.ts';
import { openView, type View } from '../../store/view.ts';
import type { Commander } from '../commands/commander.ts';
import { type Core, openCore } from '../core.ts';
import { NO_ALLOCATION } from '../instances/allocations.ts';
import type { Log } from '../log.ts';
import type { Saga } from '../saga/saga.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import {
  ADDRESSES,
  ALLOCATIONS,
  BACKUPS,
  IMAGES,
  INSTANCES,
  LOCKS,
  NETWORKS,
  NODE_STATUS,
  NODES,
  POOLS,
  PROFILES,
  SNAPSHOTS,
  VOLUME_SNAPSHOTS,
  VOLUMES,
} from '../spaces.ts';
import type { FakeInstance } from './fake-host.ts';
import { type FakeWorld, makeWorld } from './fake-world.ts';
import { type Mortal, makeMortal } from './mortal.ts';

export interface TestController extends Commander {
  readonly core: Core;
  readonly mortal: Mortal;
  /** Its way to the store. */
  setReachable(reachable: boolean): void;
}

export interface TestCluster {
  readonly world: FakeWorld;
  /** Follows the store for the test's own eyes. */
  readonly view: View;
  controller(name: string, options?: ControllerOptions): Promise<TestController>;
  /** Resolves when the test's view shows all that is stored by now. */
  upToDate(): Promise<void>;
  /** Resolves when `holds()` is true; looked at after every change of the store. */
  until(what: string, holds: () => boolean): Promise<void>;
  ended(operation: SagaRecord): Promise<SagaRecord>;
  /** What the store promises, and what the hosts have, agree; nothing is held by what is over. */
  assertConsistent(): void;
  /** The same, when the reconcilers had their time. */
  consistent(where?: string): Promise<void>;
  /** Everything that a failed operation must leave as it was. */
  picture(): Readonly<Record<string, unknown>>;
  close(): Promise<void>;
}

export interface ControllerOptions {
  /** Called before and after each thing that it does to the world. */
  readonly effects?: (() => void) | undefined;
  readonly sagas?: readonly Saga[];
}

export const IMAGE = 'f'.repeat(64);

/** The sweep waits a while before it believes that something is a leftover. */
const CONSISTENT_WITHIN_MS = 6_000;

/** Says nothing, and remembers what must not happen whatever a test does: bugs, and reconcilers that stumble. */
function logOf(alarms: string[]): Log {
  const log: Log = {
    debug: () => {},
    info: () => {},
    warn: (message, details) => {
      const error = String(details?.error ?? '');
      if (message.startsWith('reconciler failed') && !/offline|cannot be reached/.test(error)) alarms.push(error);
    },
    error: (message, details) => void alarms.push(`${message} ${details?.error ?? ''}`),
    with: () => log,
    onEntry: () => () => {},
  };
  return log;
}

export const quietLog = logOf([]);

export interface TestOptions {
  readonly log?: Log;
  readonly patienceMs?: number;
}

export async function openTestCluster(hosts: readonly string[], options: TestOptions = {}): Promise<TestCluster> {
  const store = openMemoryStore();
  const closed = new AbortController();
  const world = makeWorld(...hosts);
  await store.commit({ guards: [], writes: seeds(hosts) });
  world.host(hosts[0]!).images.add(IMAGE);
  const view = await openView(store, [''], closed.signal);
  const controllers: TestController[] = [];
  const alarms: string[] = [];

  const until = (what: string, holds: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = () => {
        if (!holds()) return;
        finish();
        resolve();
      };
      const stop = view.onChange(look);
      const timer = setTimeout(() => {
        finish();
        reject(new Error(`waited 10 s in vain until ${what}`));
      }, 10_000);
      const finish = () => {
        stop();
        clearTimeout(timer);
      };
      look();
    });

  return {
    world,
    view,
    upToDate: async () => view.reached((await store.list('leader/')).revision),
    until,
    controller: async (name, { effects, sagas } = {}) => {
      const mortal = makeMortal(effects);
      const connection = store.connect();
      const own = mortal.store(connection);
      const ownView = await openView(own, [''], AbortSignal.any([mortal.signal, closed.signal]));
      const agents = world.agents(mortal.tap);
      const common = { store: own, view: ownView, agents, clock: mortal.clock };
      const core = await openCore({
        ...common,
        log: options.log ?? logOf(alarms),
        name,
        address: `${name}:8443`,
        heartbeatMs: 100,
        ...(sagas === undefined ? {} : { sagas }),
        ...(options.patienceMs === undefined ? {} : { patienceMs: options.patienceMs }),
      });
      const setReachable = (reachable: boolean) => connection.setReachable(reachable);
      const controller = { ...common, engine: core.engine, core, mortal, setReachable };
      controllers.push(controller);
      if (controllers.length === 1) {
        const all = () =>
          view.list(NODE_STATUS).filter(({ value }) => value.state === 'online').length === hosts.length;
        await until('all hosts are seen', all);
        await ownView.reached(view.revision);
      }
      return controller;
    },
    ended: ({ id }) => {
      const alive = controllers.find(({ mortal }) => !mortal.dead)!;
      return alive.view.reached(view.revision).then(() => alive.engine.finished(id));
    },
    assertConsistent: () => assertConsistent(view, world),
    consistent: async where => {
      const end = Date.now() + CONSISTENT_WITHIN_MS;
      for (;;) {
        try {
          return assertConsistent(view, world);
        } catch (error) {
          if (Date.now() > end) throw where === undefined ? error : new Error(where, { cause: error });
          await new Promise(resolve => setTimeout(resolve, 20));
        }
      }
    },
    picture: () => ({
      instances: view.list(INSTANCES).map(({ value }) => value),
      snapshots: view.list(SNAPSHOTS).map(({ value }) => value),
      backups: view.list(BACKUPS).map(({ value }) => value),
      volumes: view.list(VOLUMES).map(({ value }) => value),
      volumeSnapshots: view.list(VOLUME_SNAPSHOTS).map(({ value }) => value),
      allocations: view.list(ALLOCATIONS).map(({ key, value }) => [key, value]),
      addresses: view.list(ADDRESSES).map(({ value }) => value),
      images: view.list(IMAGES).map(({ value }) => ({ ...value, nodes: [], lastUsedAt: '' })),
      nodes: view.list(NODES).map(({ value }) => value),
      hosts: [...world.hosts.values()].map(({ name, instances, moves, backups, volumes }) => ({
        name,
        volumes: [...volumes].map(([id, snapshots]) => [id, ...snapshots]),
        backups: [...backups],
        moves: [...moves.keys()],
        instances: [...instances].map(([id, { state, held, content, memory, snapshots, spec }]) => ({
          id,
          state,
          held,
          content,
          memory,
          snapshots: [...snapshots],
          config: spoken(spec.config),
        })),
      })),
    }),
    close: async () => {
      for (const { core, mortal } of controllers) if (!mortal.dead) await core.close();
      closed.abort();
      await store.close();
      assert.deepEqual(alarms, []);
    },
  };
}

/** Without what the cluster notes for itself: hosts hear of it with the next change, if at all. */
function spoken(config: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(config).filter(([key]) => !key.startsWith('volatile.last_state.')));
}

function assertConsistent(view: View, world: FakeWorld): void {
  assert.deepEqual(view.list(LOCKS), [], 'locks are left');
  const allocations = new Map<string, AllocationRecord>();
  const there = new Map<string, string[]>([...world.hosts.keys()].map(name => [name, []]));
  for (const { value } of view.list(INSTANCES)) {
    assert.equal(value.phase, 'ready', `${value.name} is ${value.phase}`);
    assert.equal(value.moving, undefined, `${value.name} is still moving`);
    assert.equal(value.placement?.node, value.node, `why ${value.name} is where it is`);
    const old = allocations.get(value.node) ?? NO_ALLOCATION;
    allocations.set(value.node, { instances: old.instances + 1, requests: plus(old.requests, value.requests) });
    there.get(value.node)!.push(value.id);
    const real = world.host(value.node).instances.get(value.id);
    assert.equal(Number(real?.spec.generation), value.generation, `${value.name}: generation on ${value.node}`);
    assert.equal(real?.spec.name, value.name);
    assert.equal(real?.state, value.wanted, `${value.name} is ${real?.state}, wanted ${value.wanted}`);
    assert.equal(real?.held, false, `${value.name} is held`);
    assert.equal(real?.memory, value.stateful ?? false, `${value.name}: its memory is kept`);
    assertSnapshots(view, value.id, real?.snapshots ?? new Map());
  }
  for (const { name, instances, moves } of world.hosts.values()) {
    assert.deepEqual([...instances.keys()].sort(), there.get(name)!.sort(), `what is on ${name}`);
    assert.deepEqual([...moves.keys()], [], `moves are left on ${name}`);
  }
  assertVolumes(view, world);
  const stored = new Map(view.list(ALLOCATIONS).map(({ key, value }) => [ALLOCATIONS.parts(key)[0], value]));
  assert.deepEqual(stored, allocations, 'allocations');
  assert.deepEqual(
    [...world.hosts.values()].flatMap(({ backups }) => [...backups]).sort(),
    view
      .list(BACKUPS)
      .map(({ value }) => value.id)
      .sort(),
    'backups',
  );
  const held = view.list(INSTANCES).flatMap(({ value }) =>
    Object.entries(value.config)
      .filter(([key]) => /^volatile\..*\.ipv[46]\.address$/.test(key))
      .map(([key, address]) => `${address} ${value.id} ${key.split('.')[1]}`),
  );
  const addresses = view.list(ADDRESSES).map(({ value }) => `${value.address} ${value.instance} ${value.device}`);
  assert.deepEqual(addresses.sort(), held.sort(), 'addresses');
}

/** A volume is on the host that its record says, if it was used; with the snapshots that are recorded, and nowhere else. */
function assertVolumes(view: View, world: FakeWorld): void {
  const records = view.list(VOLUMES).map(({ value }) => value);
  for (const { name, phase } of records) assert.equal(phase, 'ready', `volume ${name} is ${phase}`);
  for (const { name, volumes } of world.hosts.values())
    for (const [id, snapshots] of volumes) {
      assert.equal(records.find(record => record.id === id)?.node, name, `a volume on ${name} is nobody's`);
      const recorded = view.list(VOLUME_SNAPSHOTS, id).map(({ value }) => value.id);
      assert.deepEqual([...snapshots].sort(), recorded.sort(), 'snapshots of a volume');
    }
}

function assertSnapshots(view: View, instance: string, real: FakeInstance['snapshots']): void {
  const stored = view.list(SNAPSHOTS, instance).map(({ value }) => value);
  assert.deepEqual(
    stored.map(({ id, phase, stateful }) => [id, phase, stateful]).sort(),
    [...real].map(([id, { memory }]) => [id, 'ready', memory]).sort(),
    'snapshots',
  );
}

function seeds(hosts: readonly string[]) {
  const time = '2026-01-01T00:00:00.000Z';
  return [
    ...hosts.map((name, i) =>
      NODES.put(NODES.key(name), {
        name,
        address: `${name}:8444`,
        fingerprint: String(i),
        architecture: 'x86_64',
        description: '',
        roles: [],
        failureDomain: 'default',
        groups: ['default'],
        config: {},
        admission: 'open',
        joinedAt: time,
      }),
    ),
    POOLS.put(POOLS.key('default'), { name: 'default', driver: 'dir', description: '', config: {} }),
    NETWORKS.put(NETWORKS.key('net0'), {
      name: 'net0',
      type: 'bridge',
      description: '',
      config: { 'ipv4.address': '198.18.0.1/24', 'ipv4.ranges': '198.18.0.10-198.18.0.200' },
    }),
    PROFILES.put(PROFILES.key('default', 'default'), {
      name: 'default',
      project: 'default',
      description: '',
      config: {},
      devices: {
        root: { type: 'disk', path: '/', pool: 'default' },
        eth0: { type: 'nic', name: 'eth0', network: 'net0' },
      },
    }),
    IMAGES.put(IMAGES.key('default', IMAGE), {
      fingerprint: IMAGE,
      project: 'default',
      filename: 'busybox.tar',
      sizeBytes: 1000,
      architecture: 'x86_64',
      split: false,
      public: false,
      autoUpdate: false,
      cached: false,
      properties: { os: 'busybox' },
      profiles: [],
      createdAt: time,
      uploadedAt: time,
      expiresAt: '',
      lastUsedAt: '',
      nodes: [hosts[0]!],
    }),
  ];
}
