/** `npm run check`: everything that needs no machine of its own, side by side. Under 30 s on two cores. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
const CHECKS: Readonly<Record<string, readonly string[]>> = {
  'format and lint': ['biome', 'check', '.'],
  types: ['tsc', '-p', 'tsconfig.json'],
  'dead code': ['knip', '--no-progress'],
  protocol: ['buf', 'lint'],
  'house rules': ['node', '--test', 'test/house-rules.test.ts'],
};

const results = await Promise.all(
  Object.entries(CHECKS).map(async ([name, [program, ...args]]) => {
    const started = performance.now();
    const child = spawn(resolve(ROOT, 'node_modules/.bin', program!), args, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', chunk => (output += chunk));
    child.stderr.on('data', chunk => (output += chunk));
    const code = await new Promise<number>(done => {
      child.on('error', error => {
        output += String(error);
        done(1);
      });
      child.on('close', exit => done(exit ?? 1));
    });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
    return { name, code, output };
  }),
);
for (const { name, output } of results.filter(({ code }) => code !== 0)) console.log(`\n--- ${name}\n${output}`);
process.exitCode = results.some(({ code }) => code !== 0) ? 1 : 0;
