import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../run.ts';
import { fakeIo } from '../testing/fake-server.ts';
import { configFile } from './config-file.ts';
import { addOwnWord, expandOwnWord, removeOwnWord } from './own-words.ts';

test('an own word stands for others, and what follows it stays', () => {
  const own = { ll: 'list --format csv', sh: 'exec @ARGS@ -- sh' };
  assert.deepEqual(expandOwnWord(['ll', 'c1'], own), ['list', '--format', 'csv', 'c1']);
  assert.deepEqual(expandOwnWord(['sh', 'c1'], own), ['exec', 'c1', '--', 'sh']);
  assert.deepEqual(expandOwnWord(['list'], own), ['list']);
  assert.deepEqual(expandOwnWord(['toString'], own), ['toString']);
  assert.deepEqual(expandOwnWord([], own), []);
});

test('own words are added once and removed', () => {
  const own = addOwnWord({}, 'll', 'list');
  assert.throws(() => addOwnWord(own, 'll', 'x'), /already exists/);
  assert.throws(() => addOwnWord(own, 'a b', 'x'), /one word/);
  assert.throws(() => addOwnWord(own, '-x', 'x'), /one word/);
  assert.throws(() => removeOwnWord(own, 'x'), /doesn't exist/);
  assert.deepEqual(removeOwnWord(own, 'll'), {});
});

test('berth alias: kept beside the remotes, and obeyed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-alias-'));
  try {
    const env = { BERTH_CONF: join(folder, 'config.yml'), HOME: folder };
    const berth = async (...words: string[]) => {
      const made = fakeIo({ env });
      return { code: await run(words, made.io), ...made };
    };
    assert.equal((await berth('alias', 'add', 'rl', 'remote list --format csv')).code, 0);
    assert.equal(
      (await berth('remote', 'add', 'store', 'https://x', '--protocol', 'simplestreams', '--public')).code,
      0,
    );
    assert.match(readFileSync(configFile(env), 'utf8'), /aliases:\n {2}rl: remote list --format csv/);
    assert.equal((await berth('rl')).code, 0);
    assert.equal((await berth('alias', 'rename', 'rl', 'r2')).code, 0);
    assert.equal((await berth('alias', 'remove', 'r2')).code, 0);
    assert.notEqual((await berth('r2')).code, 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
