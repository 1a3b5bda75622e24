import assert from 'node:assert/strict';
import { readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../command.ts';
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

test('an agent that is killed in the middle leaves no process behind', async () => {
  const program = `
    const { probeCriu } = await import(${JSON.stringify(new URL('probe.ts', import.meta.url).href)});
    void probeCriu(${JSON.stringify(locateCriu(process.env.BERTH_CRIU))});
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 40);`;
  const before = await leftovers();
  await run(process.execPath, ['--input-type=module', '-e', program], { allowFailure: true });
  const [folder] = (await leftovers()).filter(name => !before.includes(name));
  assert.ok(folder, 'it was killed in the middle');
  const standsIn = async (pid: string) => (await readlink(`/proc/${pid}/cwd`).catch(() => '')).includes(folder);
  for (let tries = 0; ; tries += 1) {
    const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name));
    if (!(await Promise.all(pids.map(standsIn))).includes(true)) break;
    assert.ok(tries < 100, 'what was to be dumped is gone');
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  await rm(join(tmpdir(), folder), { recursive: true, force: true });
});

test('a program that is not CRIU is found out, with a reason', async () => {
  const found = await probeCriu('/bin/false');
  assert.equal(found.works, false);
  assert.notEqual(found.reason, '');
  assert.match((await probeCriu(undefined)).reason, /not installed/);
});
