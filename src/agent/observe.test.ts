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
    ledger: { list: () => ledger },
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

  it('tells each change once, and what is no longer ours', () => {
    world.set('a', STOPPED);
    observer.refresh();
    observer.refresh();
    world.set('a', { ...RUNNING, pid: 200 });
    observer.refresh();
    ledger = ledger.slice(0, 1);
    observer.refresh();
    assert.deepEqual(said(), ['a stopped', 'a running', 'b']);
  });

  it('does not call frozen what a move holds, also when it is seen for the first time', () => {
    moving = true;
    world.set('c', { ...RUNNING, state: 'frozen' });
    ledger = [...ledger, { spec: { id: 'c', generation: 1 } }];
    observer.refresh();
    moving = false;
    world.set('c', RUNNING);
    observer.refresh();
    assert.deepEqual(said(), ['c running']);
  });

  it('tells a new ownership even if nothing else changed', () => {
    ledger = [{ spec: { id: 'a', generation: 2 } }, ledger[1]!];
    observer.refresh();
    assert.deepEqual(
      changes.map(({ instances }) => instances.map(each => each.generation)),
      [[2]],
    );
  });

  it('keeps to itself what a verb or a move passes through', async () => {
    await locks.run('a', async () => {
      world.set('a', STOPPED);
      observer.refresh();
      world.set('a', RUNNING);
    });
    observer.refresh();
    moving = true;
    world.set('a', STOPPED);
    observer.refresh();
    assert.deepEqual(said(), []);
    moving = false;
    observer.refresh();
    assert.deepEqual(said(), ['a stopped']);
  });
});
