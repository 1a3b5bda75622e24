import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { instanceLocks } from './instance-lock.ts';
import { type Seen, STOPPED } from './lxc/look.ts';
import { type Change, type Observed, type Observer, observe } from './observe.ts';

const RUNNING: Seen = { state: 'running', pid: 100, monitor: 99 };

describe('observer', () => {
  let folder: string;
  let world: Map<string, Seen>;
  let ledger: { spec: { id: string; generation: number } }[];
  let moving: boolean;
  let cgroups: readonly string[];
  let changes: Change[];
  let observer: Observer;
  const locks = instanceLocks();

  const lookAt = (id: string) => world.get(id) ?? STOPPED;
  const host = (): Observed => ({
    locks,
    ledger: { list: () => ledger, get: id => ledger.find(({ spec }) => spec.id === id) },
    runtime: { look: lookAt, lookAgain: lookAt },
    cgroups: {
      top: folder,
      ids: () => cgroups,
      clear: id => {
        cgroups = cgroups.filter(each => each !== id);
      },
    },
    clock: { now: () => 7 },
    isMoving: () => moving,
  });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-observe-'));
    world = new Map([['a', RUNNING]]);
    ledger = [{ spec: { id: 'a', generation: 1 } }, { spec: { id: 'b', generation: 1 } }];
    moving = false;
    cgroups = [];
    changes = [];
    observer = observe(host());
    observer.subscribe(change => changes.push(change));
  });
  afterEach(async () => {
    observer.close();
    await rm(folder, { recursive: true });
  });
  const said = () => changes.flatMap(({ instances, gone }) => [...instances.map(i => `${i.id} ${i.state}`), ...gone]);

  it('knows all from the start, running or not', () => {
    assert.deepEqual(
      observer.list().map(({ id, state, pid }) => `${id} ${state} ${pid}`),
      ['a running 100', 'b stopped 0'],
    );
  });

  it('removes the cgroups of what has ended, but not in the middle of a move', async t => {
    observer.close();
    t.mock.timers.enable({ apis: ['setInterval'] });
    const watching = observe(host());
    cgroups = ['a', 'b'];
    moving = true;
    t.mock.timers.tick(1000);
    assert.deepEqual(cgroups, ['a', 'b']);
    moving = false;
    t.mock.timers.tick(1000);
    assert.deepEqual(cgroups, ['a']);
    watching.close();
  });

  it('looks every second at what lives, and at what comes to life', t => {
    observer.close();
    t.mock.timers.enable({ apis: ['setInterval'] });
    const watching = observe(host());
    watching.subscribe(change => changes.push(change));
    world.set('b', RUNNING);
    t.mock.timers.tick(1000);
    assert.deepEqual(said(), [], 'nobody looks at what has no cgroups');
    cgroups = ['a', 'b'];
    t.mock.timers.tick(1000);
    world.set('b', STOPPED);
    cgroups = ['a'];
    t.mock.timers.tick(1000);
    assert.deepEqual(said(), ['b running', 'b stopped']);
    watching.close();
  });

  it('tells each change once, and what is no longer ours', () => {
    world.set('a', STOPPED);
    observer.refresh('a');
    observer.refresh('a');
    world.set('a', { ...RUNNING, pid: 200 });
    observer.refresh('a');
    ledger = ledger.slice(0, 1);
    observer.refresh('b');
    assert.deepEqual(said(), ['a stopped', 'a running', 'b']);
  });

  it('does not call frozen what a move holds, also when it is seen for the first time', () => {
    moving = true;
    world.set('c', { ...RUNNING, state: 'frozen' });
    ledger = [...ledger, { spec: { id: 'c', generation: 1 } }];
    observer.refresh('c');
    moving = false;
    world.set('c', RUNNING);
    observer.refresh('c');
    assert.deepEqual(said(), ['c running']);
  });

  it('tells a new ownership even if nothing else changed', () => {
    ledger = [{ spec: { id: 'a', generation: 2 } }, ledger[1]!];
    observer.refresh('a');
    assert.deepEqual(
      changes.map(({ instances }) => instances.map(each => each.generation)),
      [[2]],
    );
  });

  it('keeps to itself what a verb or a move passes through', async () => {
    await locks.run('a', async () => {
      world.set('a', STOPPED);
      observer.refresh('a');
      world.set('a', RUNNING);
    });
    observer.refresh('a');
    moving = true;
    world.set('a', STOPPED);
    observer.refresh('a');
    assert.deepEqual(said(), []);
    moving = false;
    observer.refresh('a');
    assert.deepEqual(said(), ['a stopped']);
  });
});
