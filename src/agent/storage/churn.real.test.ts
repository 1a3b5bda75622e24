import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { start } from '../command.ts';
import { openPool } from './open-pool.ts';
import { scratchSource } from './testing/scratch-pool.ts';
import { channelTo, listing } from './testing/transfer.ts';
import { instanceVolume } from './volume.ts';

const volume = instanceVolume('c1');
const order = { id: 'm', volume, method: 'tree', idMap: undefined } as const;
const ROUNDS = 6;

for (const seed of [1, 2, 3]) {
  test(`a tree that changes under the sender's hands arrives right in the end (seed ${seed})`, async t => {
    const source = await openPool('dir', await scratchSource(t, 'dir'));
    const target = await openPool('dir', await scratchSource(t, 'dir'));
    await source.createEmpty(volume, undefined);
    const root = await source.activate(volume);
    for (let d = 0; d < 6; d++) {
      await mkdir(join(root, `d${d}`));
      for (let f = 0; f < 30; f += 2) await writeFile(join(root, `d${d}/f${f}`), `${d} ${f}`);
    }
    const churn = start(process.execPath, [fileURLToPath(import.meta.resolve('./testing/churn.ts')), String(seed)], {
      cwd: root,
    });
    let said = '';
    churn.stdout.on('data', chunk => {
      said += chunk;
    });
    await once(churn.stdout, 'data');
    const sender = await source.openSender(order);
    const receiver = await target.openReceiver(order);
    const failures: string[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      // A round may give up when folders turn into links all the time. It may not lie.
      await sender.round(channelTo(receiver), { final: false }).catch(error => failures.push(error.message));
    }
    churn.kill('SIGTERM');
    await once(churn.stdout, 'close');
    await sender.round(channelTo(receiver), { final: true });
    await receiver.publish();
    assert.equal(await listing(await target.activate(volume), 0), await listing(root, 0));
    for (const failure of failures) assert.match(failure, /moves its folders faster/);

    const done = Number(said.split(' ')[1]);
    t.diagnostic(`${done} changes during ${ROUNDS} rounds, of which ${failures.length} failed`);
    assert.ok(failures.length < ROUNDS && done > 20);
  });
}
