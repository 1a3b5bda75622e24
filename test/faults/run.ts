/**
 * Every fault at every moment of a live move, and a table of what came of it. Takes long: not part of `npm test`. Parts may run
 * side by side, and with --json go on where they were; after --seconds no further trial is begun.
 *
 *   node test/faults/run.ts [--mode MODE] [--fault PART] [--moment PART] [--part 1/3] [--seconds N] [--seed N] [--json FILE] [--logs FOLDER]
 */
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { LIVE_MODES } from '../../src/domain/move-mode.ts';
import { FAULTS, isTriedAt, urgency } from './faults.ts';
import { momentsOf, nameOf } from './moments.ts';
import { seeded } from './seeded.ts';
import { openStage } from './stage.ts';
import { asText } from './table.ts';
import { type Row, tryFault } from './trial.ts';

const { values } = parseArgs({
  options: {
    mode: { type: 'string', default: '' },
    fault: { type: 'string', default: '' },
    moment: { type: 'string', default: '' },
    part: { type: 'string', default: '1/1' },
    seconds: { type: 'string', default: 'Infinity' },
    seed: { type: 'string', default: '1' },
    logs: { type: 'string' },
    json: { type: 'string' },
  },
});
const chance = seeded(Number(values.seed));
const [part, parts] = values.part.split('/').map(Number) as [number, number];
/** An earlier run is gone on with. */
const rows: Row[] = values.json !== undefined && existsSync(values.json) ? readRows(values.json) : [];
const isDone = (mode: string, fault: string, moment: string) =>
  rows.some(row => row.mode === mode && row.fault === fault && row.moment === moment);
/** Only where the kernel tracks writes: to be asked for by its name. */
const usual = (mode: string) => mode !== 'pre-copy';
const trials = LIVE_MODES.filter(mode => (values.mode === '' ? usual(mode) : mode === values.mode))
  .flatMap(mode =>
    FAULTS.filter(fault => (fault.mode ?? mode) === mode && fault.name.includes(values.fault)).flatMap(fault =>
      momentsOf(mode)
        .filter(moment => nameOf(moment).includes(values.moment) && isTriedAt(fault, nameOf(moment)))
        .map(moment => ({ mode, fault, moment, chance: chance() })),
    ),
  )
  .sort((a, b) => urgency(nameOf(a.moment)) - urgency(nameOf(b.moment)))
  .filter((_, index) => index % parts === part - 1)
  .filter(({ mode, fault, moment }) => !isDone(mode, fault.name, nameOf(moment)));

console.log(`${trials.length} trials`);
const name = `faults-${part}-of-${parts}`;
if (trials.length === 0) process.exit();
let stage = await openStage(name);
try {
  for (const trial of trials) {
    if (performance.now() > Number(values.seconds) * 1000) break; // since this process began
    await stage.ready();
    const row = await tryFault(stage, trial.fault, trial.moment, trial.mode, trial.chance).catch(
      (thrown: Error): Row => broken(trial, thrown),
    );
    rows.push(row);
    console.log(asText(row));
    if (values.json !== undefined)
      writeFileSync(values.json, `${JSON.stringify({ seed: values.seed, rows }, null, 1)}\n`);
    if (row.wrong.length === 0) continue;
    if (values.logs !== undefined)
      cpSync(stage.harness.cluster.logDir, `${values.logs}/${rows.length}`, { recursive: true });
    await stage.close(); // what is left over now would be held against the next one
    stage = await openStage(name);
  }
} finally {
  await stage.close();
}
function readRows(file: string): Row[] {
  return (JSON.parse(readFileSync(file, 'utf8')) as { rows: Row[] }).rows;
}

/** A trial that could not be carried out to its end is a finding too. */
function broken({ mode, fault, moment }: (typeof trials)[number], { message }: Error): Row {
  const nothing = { end: 'stopped', said: '', anew: true, lost: null, pauseMs: 0, recoveredMs: 0 } as const;
  return { mode, fault: fault.name, moment: nameOf(moment), ...nothing, wrong: [`the trial broke off: ${message}`] };
}

const wrong = rows.filter(row => row.wrong.length > 0);
console.log(
  `${rows.length} trials, ${rows.filter(({ end }) => end === 'missed').length} with nothing to strike, ${wrong.length} wrong`,
);
process.exitCode = wrong.length > 0 ? 1 : 0;
