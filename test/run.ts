/**
 * Runs every test of the project and closes with one line of counts. Tests named `*.real.test.ts` use the machine itself
 * (LXC, CRIU, namespaces, etcd clusters) and run one file at a time after the others, so that two cores are enough.
 *
 *   node test/run.ts [--unit | --real] [PATH-PART ...]
 */
import { globSync } from 'node:fs';
import { resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const ROOT = resolve(import.meta.dirname, '..');
const options = process.argv.slice(2).filter(argument => argument.startsWith('--'));
const parts = process.argv.slice(2).filter(argument => !argument.startsWith('--'));

const files = globSync('{src,test,deploy,bench}/**/*.test.ts', { cwd: ROOT })
  .filter(file => parts.length === 0 || parts.some(part => file.includes(part)))
  .sort();
const real = files.filter(file => file.endsWith('.real.test.ts'));
const unit = files.filter(file => !file.endsWith('.real.test.ts'));

const counts = { passed: 0, failed: 0, skipped: 0 };
const failed: string[] = [];
const skipped: string[] = [];
const slow: { file: string; seconds: number }[] = [];

if (!options.includes('--real')) await runFiles(unit, 2);
if (!options.includes('--unit')) await runFiles(real, 1);

slow.sort((a, b) => b.seconds - a.seconds);
console.log(
  `slowest files: ${slow
    .slice(0, 5)
    .map(({ file, seconds }) => `${file} ${seconds.toFixed(1)} s`)
    .join(', ')}`,
);
for (const line of skipped) console.log(`skipped: ${line}`);
for (const line of failed) console.log(`FAILED: ${line}`);
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;

async function runFiles(paths: readonly string[], concurrency: number): Promise<void> {
  if (paths.length === 0) return;
  const stream = run({ files: paths.map(path => resolve(ROOT, path)), concurrency, cwd: ROOT, timeout: 10 * 60_000 });
  stream.on('test:pass', event => {
    const file = event.file?.slice(ROOT.length + 1) ?? '';
    if (event.skip !== undefined || event.todo !== undefined) {
      counts.skipped += 1;
      skipped.push(`${file}: ${event.name} (${event.skip ?? event.todo})`);
    } else if (event.details.type !== 'suite') counts.passed += 1;
    if (event.nesting === 0) slow.push({ file, seconds: event.details.duration_ms / 1000 });
  });
  stream.on('test:fail', event => {
    if (event.details.type === 'suite') return;
    counts.failed += 1;
    failed.push(`${event.file?.slice(ROOT.length + 1) ?? ''}: ${event.name}`);
  });
  await new Promise<void>((done, reject) => {
    stream.on('error', reject);
    const printed = stream.compose(new spec());
    printed.on('end', done);
    printed.pipe(process.stdout, { end: false });
  });
}
