import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readConfig, runnable, writeConfig } from './agent-config.ts';

describe('agent.yaml', () => {
  let folder: string;
  let file: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-config-'));
    file = join(folder, 'agent.yaml');
  });
  after(() => rm(folder, { recursive: true }));

  it('may be missing: the defaults fit an ordinary host, which has not joined yet', async () => {
    const config = await readConfig(file);
    assert.equal(config.cgroupPrefix, 'berth');
    assert.deepEqual(config.idmap, { base: 1_000_000, size: 65_536 });
    assert.throws(() => runnable(config), /has not joined a cluster/);
  });

  it('is written and read the same; the data plane listens one port higher', async () => {
    const config = { ...(await readConfig(file)), name: 'n1', listen: '198.18.0.11:8444' };
    await writeConfig(file, config);
    assert.deepEqual(await readConfig(file), config);
    assert.equal(runnable(config).dataListen, '198.18.0.11:8445');
    assert.equal(runnable({ ...config, listen: '[fd00::1]:8444' }).dataListen, '[fd00::1]:8445');
  });

  for (const [text, message] of [
    ['bridg: br0', /bridg/],
    ['listen: nonsense', /listen: must be HOST:PORT/],
    ['pools: [{name: p, driver: zfs, source: /x}]', /pools\.0\.driver/],
    ['cgroupPrefix: ../..x y', /cgroupPrefix/],
    ['idmap: {base: 0, size: 65536}', /idmap\.base/],
  ] as const) {
    it(`refuses "${text}" and names the field`, async () => {
      await writeFile(file, text);
      await assert.rejects(readConfig(file), message);
    });
  }
});
