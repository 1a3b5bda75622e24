/** kill -9 of each part in the middle of twenty launches: in the end every instance runs once or is reported failed, and etcd, LXC and the disks agree. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Harness, openHarness } from './harness.ts';

interface Listed {
  readonly name: string;
  readonly status: string;
  readonly location: string;
  readonly config: Record<string, string>;
}

const LAUNCHES = 20;

describe('crashes', { timeout: 420_000 }, () => {
  let harness: Harness;
  before(async () => {
    harness = await openHarness('crash', { etcdMembers: 3 });
  });
  after(() => harness?.close());

  for (const [what, kill] of [
    [
      'the controller',
      async () => {
        await harness.cluster.killController();
        await harness.cluster.startController();
        await harness.cluster.online();
      },
    ],
    [
      'an agent',
      async () => {
        await harness.cluster.killAgent('n2');
        await harness.cluster.startAgent('n2');
        await harness.cluster.online();
      },
    ],
    [
      'one of three etcd members',
      async () => {
        await harness.cluster.killEtcd(0);
        await harness.cluster.startEtcd(0);
      },
    ],
  ] as const) {
    it(`survives kill -9 of ${what}`, async () => {
      const names = Array.from({ length: LAUNCHES }, (_, i) => `k${i}`);
      const queue = [...names];
      const outcomes = new Map<string, number>();
      const workers = Array.from({ length: 8 }, async () => {
        for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
          const { code } = await harness.berth(['launch', 'busybox', name], { allowFailure: true });
          outcomes.set(name, code);
        }
      });
      await until(() => outcomes.size >= 3 || undefined);
      await kill();
      await Promise.all(workers);
      await settled(harness);
      await agree(harness, outcomes);
      const left = await harness.berthJson<Listed[]>('list');
      await Promise.all(left.map(({ name }) => harness.berth(['delete', name, '--force'])));
      await agree(harness, new Map());
    });
  }
});

/** No operation is running any more. */
async function settled(harness: Harness): Promise<void> {
  await until(async () => {
    const operations = await harness.berthJson<{ status: string; class: string }[]>('operation', 'list');
    return operations.some(({ status }) => status === 'Running' || status === 'Pending') ? undefined : true;
  }, 60_000);
}

/** What etcd says, what LXC runs, and what lies on the disks are the same. */
async function agree(harness: Harness, outcomes: ReadonlyMap<string, number>): Promise<void> {
  const said = await until(async () => {
    const listed = await harness.berthJson<Listed[]>('list');
    return (await differences(harness, listed)).length === 0 ? listed : undefined;
  }, 30_000).catch(async () => {
    const listed = await harness.berthJson<Listed[]>('list');
    assert.deepEqual(await differences(harness, listed), []);
    return listed;
  });
  for (const { name, status } of said) {
    if (outcomes.get(name) === 0) assert.equal(status, 'Running', `${name} was reported launched`);
  }
  for (const [name, code] of outcomes) {
    if (code === 0)
      assert.ok(
        said.some(each => each.name === name),
        `${name} was reported launched`,
      );
  }
}

async function differences(harness: Harness, listed: readonly Listed[]): Promise<string[]> {
  const found: string[] = [];
  for (const { name: host } of harness.cluster.hosts) {
    const { stdout: volumes } = await harness.cluster.exec(host, ['ls', '/run/berth/pools/default/instances'], {
      allowFailure: true,
    });
    const { stdout: sockets } = await harness.cluster.exec(
      host,
      ['sh', '-c', "grep -ao '/[^ ]*/lxc/[0-9a-f-]*/command' /proc/net/unix | sort -u"],
      { allowFailure: true },
    );
    const running = [...sockets.matchAll(/\/lxc\/([0-9a-f-]{36})\/command/g)].map(([, id]) => id!).sort();
    const owned = listed.filter(({ location }) => location === host);
    const ids = (some: readonly Listed[]) => some.map(({ config }) => config['volatile.uuid']!).sort();
    const onDisk = volumes
      .split('\n')
      .filter(line => line !== '')
      .sort();
    if (onDisk.join() !== ids(owned).join())
      found.push(`${host} has volumes ${onDisk.join()}, should have ${ids(owned).join()}`);
    const shouldRun = ids(owned.filter(({ status }) => status === 'Running'));
    if (running.join() !== shouldRun.join())
      found.push(`${host} runs ${running.join()}, should run ${shouldRun.join()}`);
  }
  return found;
}

async function until<T>(probe: () => T | undefined | Promise<T | undefined>, timeoutMs = 30_000): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    if (performance.now() > deadline) throw new Error('waited too long');
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}
