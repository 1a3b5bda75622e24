import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { progressOf } from './progress.ts';

describe('progress', () => {
  it('ends with done, also when nothing was reported or the reader is slow', async () => {
    const phases = async (work: Parameters<typeof progressOf>[0]) => {
      const seen: string[] = [];
      for await (const { phase, done } of progressOf(work)) {
        seen.push(done ? `${phase}!` : phase!);
        await new Promise(resolve => setImmediate(resolve));
      }
      return seen;
    };
    assert.deepEqual(await phases(async () => {}), ['done!']);
    assert.deepEqual(
      await phases(async report => {
        report({ phase: 'unpack' });
        await new Promise(resolve => setTimeout(resolve, 5));
        for (const bytes of [1n, 2n, 3n]) report({ phase: 'clone', bytes });
        await new Promise(resolve => setTimeout(resolve, 5));
      }),
      ['unpack', 'clone', 'done!'],
    );
  });

  it('fails with what the work failed of', async () => {
    const failing = progressOf(async report => {
      report({ phase: 'unpack' });
      throw new Error('disk full');
    });
    await assert.rejects(async () => {
      for await (const _ of failing);
    }, /disk full/);
  });
});
