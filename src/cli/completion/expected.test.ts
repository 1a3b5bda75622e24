import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildProgram } from '../run.ts';
import { Session } from '../session.ts';
import { fakeIo, startFakeServer } from '../testing/fake-server.ts';
import { expectedAt } from './expected.ts';

async function expected(...words: readonly string[]) {
  return expectedAt(await buildProgram(words, new Session(fakeIo().io)), words);
}

test('the commands themselves say what comes next', async () => {
  assert.deepEqual(await expected('exec', ''), { kind: 'names', noun: 'instance' });
  assert.deepEqual(await expected('delete', 'a', ''), { kind: 'names', noun: 'instance' });
  assert.deepEqual(await expected('launch', '-c', 'a=b', ''), { kind: 'names', noun: 'image' });
  assert.deepEqual(await expected('launch', 'img', 'c1', '--target', ''), { kind: 'names', noun: 'host' });
  assert.deepEqual(await expected('list', '--format', ''), {
    kind: 'words',
    words: ['table', 'json', 'yaml', 'csv', 'compact'],
  });
  assert.deepEqual(await expected('config', 'device', 'add', ''), { kind: 'names', noun: 'instance' });
  assert.deepEqual(await expected('completion', ''), { kind: 'words', words: ['bash', 'zsh', 'fish'] });
  assert.deepEqual(await expected('--project', ''), { kind: 'names', noun: 'name' });
  const top = await expected('');
  assert.ok(top.kind === 'words' && top.words.includes('launch') && !top.words.includes('__complete'));
  const options = await expected('stop', '--');
  assert.ok(options.kind === 'words' && options.words.includes('--force') && options.words.includes('--project'));
});

test('names come from the server that is typed', async () => {
  await using server = await startFakeServer({
    'GET /1.0/instances': ['/1.0/instances/web1', '/1.0/instances/web2', '/1.0/instances/db'],
  });
  assert.equal((await server.run(['__complete', '--', 'exec', 'w'])).out, 'web1\nweb2\n');
  assert.equal((await server.run(['__complete', '--', 'exec', 'local:d'])).out, 'local:db\n');
  assert.equal((await server.run(['__complete', '--', 'exec', 'loc'])).out, 'local:\n');
});

test('a server that does not answer says nothing', async () => {
  const { io, out, err } = fakeIo({ env: { BERTH_SOCKET: '/nonexistent' } });
  const { run } = await import('../run.ts');
  assert.deepEqual([await run(['__complete', '--', 'exec', ''], io), out(), err()], [0, '', '']);
});
