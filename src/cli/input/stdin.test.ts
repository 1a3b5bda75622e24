import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';

/** In a process of its own, because what counts is the kind of file that standard input is. */
const SCRIPT = `
const { readOptionalStdin } = await import(process.env.STDIN_TS);
console.log(JSON.stringify(await readOptionalStdin({ stdin: process.stdin })));
process.exit();
`;

function start(program: string, words: readonly string[], stdin: 'pipe' | 'ignore') {
  const env = { ...process.env, STDIN_TS: import.meta.resolve('./stdin.ts'), SCRIPT };
  const child = spawn(program, words, { stdio: [stdin, 'pipe', 'inherit'], env });
  const out = new Promise<string>(resolve => {
    let text = '';
    child.stdout?.on('data', chunk => {
      text += chunk;
    });
    child.once('close', () => resolve(text.trim()));
  });
  return { child, out };
}

const node = [process.execPath, ['--input-type=module', '-e', SCRIPT]] as const;

test('an open socket that never speaks is no input, and is not waited for', async () => {
  const { child, out } = start(...node, 'pipe');
  assert.equal(await out, '""');
  child.stdin?.end();
});

test('what a parent writes to a socket is read to its end', async () => {
  const { child, out } = start(...node, 'pipe');
  child.stdin?.write('config: ');
  setTimeout(() => child.stdin?.end('{}'), 150);
  assert.equal(await out, '"config: {}"');
});

test('a pipe is waited for, however slow it is', async () => {
  const slow = `(sleep 0.3; echo late) | "${process.execPath}" --input-type=module -e "$SCRIPT"`;
  assert.equal(await start('sh', ['-c', slow], 'ignore').out, '"late\\n"');
});

test('/dev/null is no input', async () => {
  assert.equal(await start(...node, 'ignore').out, '""');
});
