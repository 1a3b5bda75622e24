/** The most telling of the faults of `test/faults`: after each it runs once, its client is served, nothing is left over. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { LiveMode } from '../../src/domain/move-mode.ts';
import { FAULTS } from '../faults/faults.ts';
import { momentsOf, nameOf } from '../faults/moments.ts';
import { openStage, type Stage } from '../faults/stage.ts';
import { asText } from '../faults/table.ts';
import { tryFault } from '../faults/trial.ts';

const TELLING: readonly (readonly [LiveMode, fault: string, moment: string])[] = [
  ['stop-and-copy', 'source agent killed', 'source: verdict'],
  ['stop-and-copy', 'controller killed', 'switch'],
  ['stop-and-copy', 'CRIU of the dump killed', 'source: verdict'],
  ['stop-and-copy', 'pool of the target full', 'sync'],
  ['post-copy', 'target agent killed', 'resume'],
  ['post-copy', 'CRIU of the restore killed', 'target: verdict'],
  ['post-copy', 'link between the hosts cut for 2 s', 'memory'],
];

describe('faults in the middle of a live move', { timeout: 600_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage('move-faults');
  });
  after(() => stage?.close());

  for (const [mode, name, at] of TELLING) {
    it(`${mode}: ${name}, at ${at}`, async t => {
      const fault = FAULTS.find(each => each.name === name) ?? assert.fail(name);
      const moment = momentsOf(mode).find(each => nameOf(each) === at) ?? assert.fail(at);
      await stage.ready();
      const row = await tryFault(stage, fault, moment, mode, 0);
      t.diagnostic(asText(row));
      assert.deepEqual(row.wrong, []);
      assert.notEqual(row.end, 'missed');
    });
  }
});
