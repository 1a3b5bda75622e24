import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { locateCriu } from './locate.ts';
import { probeCriu } from './probe.ts';

const leftovers = async () => (await readdir(tmpdir())).filter(name => name.startsWith('berth-criu-'));

test('the CRIU of the host set-up dumps and restores a process on this kernel', async () => {
  const before = await leftovers();
  const found = await probeCriu(locateCriu(process.env.BERTH_CRIU));
  assert.deepEqual({ ...found, version: '' }, { works: true, version: '', reason: '' });
  assert.match(found.version, /^\d+\.\d+/);
  assert.deepEqual(await leftovers(), before);
});

test('probes of several agents at once do not disturb each other', async () => {
  const found = await Promise.all(Array.from({ length: 6 }, () => probeCriu(locateCriu(process.env.BERTH_CRIU))));
  assert.deepEqual([...new Set(found.map(({ reason }) => reason))], ['']);
});

test('a program that is not CRIU is found out, with a reason', async () => {
  const found = await probeCriu('/bin/false');
  assert.equal(found.works, false);
  assert.notEqual(found.reason, '');
  assert.match((await probeCriu(undefined)).reason, /not installed/);
});
