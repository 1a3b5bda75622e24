import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

/**
 * Times depend on the machine, what is loaded does not: these are the things that cost tens of milliseconds each.
 * Prints, after the run, which files were loaded and whether Node has woken its undici.
 */
const SPY = `
import { registerHooks } from 'node:module';
const loaded = [];
registerHooks({ resolve: (name, context, next) => { const found = next(name, context); loaded.push(found.url); return found; } });
const { run } = await import(process.env.RUN);
const { PassThrough } = await import('node:stream');
const io = { env: process.env, stdin: new PassThrough(), stdout: new PassThrough(), stderr: process.stderr };
const code = await run(JSON.parse(process.env.WORDS), io);
const undici = process.moduleLoadList.some(name => name.includes('undici/undici'));
console.log(JSON.stringify({ code, undici, loaded }));
process.exit();
`;

function loadedBy(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', SPY], {
    encoding: 'utf8',
    env: { ...process.env, ...env, RUN: import.meta.resolve('./run.ts'), WORDS: JSON.stringify(words) },
  });
  const { code, undici, loaded } = JSON.parse(stdout) as { code: number; undici: boolean; loaded: readonly string[] };
  const packages = loaded.flatMap(url => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []);
  return {
    code,
    undici,
    packages: [...new Set(packages)].sort(),
    own: loaded.filter(url => url.includes('/src/')).length,
  };
}

test('help loads commander and a handful of our files', () => {
  const { code, undici, packages, own } = loadedBy(['--help']);
  assert.deepEqual([code, undici, packages], [0, false, ['commander']]);
  assert.ok(own < 20, `${own} files`);
});

test('a request needs neither websockets nor YAML nor certificates, nor does it wake undici', () => {
  const { code, undici, packages } = loadedBy(['list'], { BERTH_SOCKET: '/nonexistent', BERTH_CONF: '/nonexistent' });
  assert.deepEqual([code, undici, packages], [1, false, ['commander']]);
});
