/**
 * For tests: a busy instance. Does to the tree of its working directory whatever programs can do, as fast as it can,
 * until it is told to stop; says when it begins, and in the end how much it did. Argument: a seed.
 */
import { appendFileSync, linkSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';

let state = Number(process.argv[2]);
const random = (below: number): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
};
const folder = () => `d${random(6)}`;
const file = () => `${folder()}/f${random(30)}`;
const text = () => 'x'.repeat(random(20_000));

/** A folder becomes a link to another one, and back: what is read or written by path goes astray. */
function swap(): void {
  const one = folder();
  renameSync(one, `${one}.aside`);
  symlinkSync(folder(), one);
  for (let i = 0; i < 20; i++) attempt(() => writeFileSync(`${one}/f${random(30)}`, text()));
  rmSync(one, { recursive: true });
  renameSync(`${one}.aside`, one);
}

const DEEDS = [
  () => writeFileSync(file(), text()),
  () => writeFileSync(file(), text()),
  () => appendFileSync(file(), text()),
  () => rmSync(file()),
  () => renameSync(file(), file()),
  () => renameSync(folder(), folder()),
  () => linkSync(file(), file()),
  () => symlinkSync(`../${folder()}`, file()),
  () => random(10) === 0 && rmSync(folder(), { recursive: true }),
  () => mkdirSync(folder()),
  () => mkdirSync(file()),
  swap,
];

let done = 0;
function attempt(deed: () => unknown): void {
  try {
    deed();
    done += 1;
  } catch {
    // it was not there, or there was another
  }
}

let stopped = false;
process.once('SIGTERM', () => {
  stopped = true;
});
process.stdout.write('begun ');
while (!stopped) {
  for (let i = 0; i < 20; i++) attempt(DEEDS[random(DEEDS.length)]!);
  await turn();
}
process.stdout.write(String(done));
