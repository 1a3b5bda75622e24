import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../domain/errors.ts';
import { run, start } from './command.ts';

const code = (expected: string) => (error: unknown) => error instanceof AppError && error.code === expected;

test('output, input and exit code come back', async () => {
  const outcome = await run('cat', [], { input: 'hello' });
  assert.deepEqual(outcome, { code: 0, stdout: 'hello', stderr: '' });
  assert.equal((await run('false', [], { allowFailure: true })).code, 1);
});

test('a failure carries the last lines of stderr', async () => {
  await assert.rejects(run('ls', ['/does/not/exist']), /No such file or directory/);
});

test('a program that is not there is unsupported', async () => {
  await assert.rejects(run('no-such-program', []), code('unsupported'));
});

test('arguments are never read by a shell', async () => {
  assert.equal((await run('echo', ['$(id)', ';', '`id`'])).stdout, '$(id) ; `id`\n');
});

test('a program that takes too long is ended, and its children with it', async () => {
  const marker = `${process.pid}.25`;
  await assert.rejects(run('sh', ['-c', `sleep ${marker} & wait`], { timeoutMs: 50 }), code('deadline'));
  const { stdout } = await run('ps', ['-eo', 'args']);
  assert.ok(!stdout.includes(`sleep ${marker}`), 'the child is gone');
});

test('a program that ignores SIGTERM is killed', async () => {
  const running = start('sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 1; done']);
  await new Promise(resolve => running.stdout.once('data', resolve));
  running.end();
  assert.equal((await running.exited).signal, 'SIGKILL');
});

test('an aborted signal cancels', async () => {
  const abort = new AbortController();
  const running = run('sleep', ['30'], { signal: abort.signal });
  abort.abort();
  await assert.rejects(running, code('cancelled'));
});

test('a daemon that keeps the pipes does not hold the call', async () => {
  const before = Date.now();
  const outcome = await run('sh', ['-c', 'echo $$; setsid sleep 3 & echo done']);
  assert.match(outcome.stdout, /done/);
  assert.ok(Date.now() - before < 2000);
});

test('too much output ends the program', async () => {
  await assert.rejects(run('cat', ['/dev/zero'], { maxOutputBytes: 1000 }), /said more than 1000 bytes/);
});

test('no variable of ours leaks into what we start', async () => {
  process.env.LEAK = 'yes';
  assert.doesNotMatch((await run('env', [])).stdout, /LEAK/);
});
