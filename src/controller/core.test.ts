/** Whole operations on a cluster in one process: users' wishes, two at once, and bad luck. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { AppError } from '../domain/errors.ts';
import { beginChangeState } from './commands/change-state.ts';
import { beginCreateInstance, planInstance } from './commands/create-instance.ts';
import { beginDeleteInstance } from './commands/delete-instance.ts';
import { INSTANCES, LOCKS, SAGAS, SERVER } from './spaces.ts';
import { openTestCluster, quietLog, type TestCluster, type TestOptions } from './testing/test-cluster.ts';
import { wish } from './testing/wishes.ts';

let cluster: TestCluster;
const open = async (hosts: readonly string[], options?: TestOptions) => {
  cluster = await openTestCluster(hosts, options);
  return cluster;
};
afterEach(() => cluster?.close());

const c1 = { project: 'default', name: 'c1' };
const NIC = { type: 'nic', network: 'net0', name: 'eth0' };
const change = { ...c1, force: false, timeoutSeconds: -1 };

describe('an operation', () => {
  it('creates, starts, stops and deletes an instance', async () => {
    const { world, view, controller, ended, assertConsistent } = await open(['n1', 'n2']);
    const a = await controller('a');
    const created = await ended(await beginCreateInstance(a, wish('c1')));
    assert.equal(created.state, 'succeeded', created.error?.message);
    const record = view.get(INSTANCES.key('default', 'c1'))!.value;
    assert.match(record.config['volatile.eth0.ipv4.address'] ?? '', /^198\.18\.0\.\d+$/);
    assert.match(record.config['volatile.eth0.hwaddr'] ?? '', /^02:/);
    assertConsistent();

    assert.equal((await ended(await beginChangeState(a, { ...change, action: 'start' }))).state, 'succeeded');
    assert.deepEqual(world.runningOn(record.id), [record.node]);
    await assert.rejects(beginDeleteInstance(a, c1), { code: 'invalid', message: 'Instance is running' });
    await assert.rejects(beginChangeState(a, { ...change, action: 'start' }), /already running/);
    assert.equal((await ended(await beginChangeState(a, { ...change, action: 'stop' }))).state, 'succeeded');
    assert.equal((await ended(await beginDeleteInstance(a, c1))).state, 'succeeded');
    assert.deepEqual(view.list(INSTANCES), []);
    assertConsistent();
  });

  it('of two who want one name exactly one wins, and the other is told that it exists', async () => {
    const { controller, ended, assertConsistent } = await open(['n1', 'n2']);
    const [a, b] = [await controller('a'), await controller('b')];
    const results = await Promise.allSettled([a, b].map(each => beginCreateInstance(each, wish('c1'))));
    const winners = results.filter(result => result.status === 'fulfilled');
    const losers = results.filter(result => result.status === 'rejected');
    assert.equal(winners.length, 1);
    assert.equal((losers[0]!.reason as AppError).code, 'exists');
    assert.equal((await ended(winners[0]!.value)).state, 'succeeded');
    assertConsistent();
  });

  it('gives an IPv6 address that was asked for to one instance only, however it is written', async () => {
    const { view, controller, ended, assertConsistent } = await open(['n1']);
    const a = await controller('a');
    const asking = (name: string, address: string) =>
      wish(name, { devices: { eth0: { ...NIC, 'ipv6.address': address } } });
    assert.equal((await ended(await beginCreateInstance(a, asking('c1', 'fd00:0::5')))).state, 'succeeded');
    const { config } = view.get(INSTANCES.key('default', 'c1'))!.value;
    assert.equal(config['volatile.eth0.ipv6.address'], 'fd00::5');
    const refused = await beginCreateInstance(a, asking('c2', 'fd00::5')).then(ended, error => ({ error }));
    assert.match(refused.error?.message ?? '', /address fd00::5 is in use/);
    assertConsistent();
    assert.equal((await ended(await beginDeleteInstance(a, c1))).state, 'succeeded');
    assert.equal((await ended(await beginCreateInstance(a, asking('c2', 'fd00::5')))).state, 'succeeded');
    assertConsistent();
  });

  it('spreads thirty launches that come at once, and gives each an address of its own', async () => {
    const { world, view, controller, ended, assertConsistent } = await open(['n1', 'n2', 'n3']);
    const a = await controller('a');
    const begun = await Promise.all(Array.from({ length: 30 }, (_, i) => beginCreateInstance(a, wish(`c${i}`))));
    for (const saga of begun) assert.equal((await ended(saga)).state, 'succeeded');
    assert.deepEqual(
      [...world.hosts.values()].map(host => host.instances.size),
      [10, 10, 10],
    );
    assert.equal(view.list(INSTANCES).length, 30);
    assertConsistent();
  });

  it('is refused with the reason when no host fits, and leaves nothing', async () => {
    const { controller, ended, picture } = await open(['n1', 'n2']);
    const a = await controller('a');
    const before = picture();
    const request = wish('c1', { config: { 'limits.memory': '64GiB' } });
    assert.match(planInstance(a, request).summary, /0 of 2 hosts: 2 not enough memory/);
    const saga = await ended(await beginCreateInstance(a, request));
    assert.equal(saga.state, 'failed');
    assert.match(saga.error?.message ?? '', /0 of 2 hosts: 2 not enough memory \(largest free 8GiB, needs 64GiB\)/);
    assert.deepEqual(picture(), before);
  });

  it('that cannot start an instance leaves it stopped and says why', async () => {
    const { world, view, controller, ended, assertConsistent } = await open(['n1']);
    const a = await controller('a');
    await ended(await beginCreateInstance(a, wish('c1', { config: { 'user.start': 'fails' } })));
    const saga = await ended(await beginChangeState(a, { ...change, action: 'start' }));
    assert.equal(saga.state, 'failed');
    assert.equal(saga.error?.message, 'init is missing');
    assert.deepEqual(world.runningOn(view.get(INSTANCES.key('default', 'c1'))!.value.id), []);
    assertConsistent();
  });

  it('repeats what may succeed later, and gives up a step before the pivot after its patience', async () => {
    const { world, controller, ended, picture } = await open(['n1'], { patienceMs: 300 });
    const a = await controller('a');
    const before = picture();
    let calls = 0;
    world.host('n1').tap = ({ verb, when }) => {
      if (verb === 'ensureInstance' && when === 'before' && ++calls <= 2)
        throw new AppError('unavailable', 'busy disk');
    };
    assert.equal((await ended(await beginCreateInstance(a, wish('c1')))).state, 'succeeded');
    assert.equal(calls, 3);
    await ended(await beginDeleteInstance(a, c1));
    calls = -1_000;
    const saga = await ended(await beginCreateInstance(a, wish('c1')));
    assert.equal(saga.state, 'failed');
    assert.equal(saga.error?.message, 'busy disk');
    assert.deepEqual(picture(), before);
  });

  it('takes another host when the first one is lost while it makes the instance', async () => {
    const { world, view, controller, ended, consistent } = await open(['n1', 'n2']);
    const a = await controller('a');
    await a.store.commit({
      guards: [],
      writes: [SERVER.put(SERVER.key('config'), { config: { 'cluster.offline_threshold': '1.5' } })],
    });
    // n1 keeps the image: another instance there makes n2 the better host, which is the one to be lost.
    await ended(await beginCreateInstance(a, { ...wish('c0'), target: { node: 'n1' } }));
    let first: string | undefined;
    for (const host of world.hosts.values()) {
      host.tap = ({ node, verb, when }) => {
        if (verb !== 'ensureInstance' || when !== 'after' || first !== undefined) return;
        first = node;
        host.setDown(true);
      };
    }
    const saga = await ended(await beginCreateInstance(a, wish('c1')));
    assert.equal(saga.state, 'succeeded', saga.error?.message);
    assert.equal(first, 'n2');
    assert.equal(view.get(INSTANCES.key('default', 'c1'))!.value.node, 'n1');
    world.host(first!).setDown(false);
    await consistent(); // what was made on the first one is swept
  });

  it('that cannot be undone is stuck, holds what it holds, and is undone when an operator asks again', async () => {
    const { world, view, controller, ended, picture } = await open(['n1'], { log: quietLog });
    const a = await controller('a');
    const before = picture();
    let broken = true;
    world.host('n1').tap = ({ verb, when }) => {
      if (verb === 'ensureInstance' && when === 'after') throw new AppError('exhausted', 'disk is full');
      if (verb === 'ensureNoInstance' && broken) throw new AppError('internal', 'disk is read-only');
    };
    const stuck = await ended(await beginCreateInstance(a, wish('c1')));
    assert.equal(stuck.state, 'stuck');
    assert.equal(stuck.error!.message, 'disk is full (and undoing "make" failed: disk is read-only)');
    await assert.rejects(beginCreateInstance(a, wish('c1')), { code: 'exists' });
    broken = false;
    await a.engine.cancel(stuck.id);
    const failed = await ended(stuck);
    assert.equal(failed.state, 'failed');
    assert.deepEqual(picture(), before);
    assert.deepEqual(view.list(LOCKS), []);
  });

  it('that is cancelled while a step hangs is undone', async () => {
    const { world, view, until, controller, ended, picture } = await open(['n1']);
    const [a, b] = [await controller('a'), await controller('b')];
    const before = picture();
    const reached = Promise.withResolvers<void>();
    world.host('n1').tap = ({ verb, when }) => {
      if (verb !== 'ensureInstance' || when !== 'after') return;
      reached.resolve();
      return new Promise(() => {});
    };
    const saga = await beginCreateInstance(a, wish('c1'));
    await reached.promise;
    await b.view.reached(view.revision);
    await b.engine.cancel(saga.id); // asked of another controller than the one that runs it
    const end = await ended(saga);
    assert.equal(end.state, 'cancelled');
    await until('the view shows it', () => view.get(SAGAS.key(saga.id))?.value.state === 'cancelled');
    assert.deepEqual(picture(), before);
  });

  it('is busy while another holds the instance', async () => {
    const { world, controller, ended } = await open(['n1']);
    const a = await controller('a');
    await ended(await beginCreateInstance(a, wish('c1')));
    const go = Promise.withResolvers<void>();
    world.host('n1').tap = ({ verb }) => (verb === 'ensureState' ? go.promise : undefined);
    const start = await beginChangeState(a, { ...change, action: 'start' });
    await assert.rejects(beginDeleteInstance(a, c1), {
      code: 'busy',
      message: 'Instance is busy running a "Starting instance" operation',
    });
    go.resolve();
    assert.equal((await ended(start)).state, 'succeeded');
  });
});
