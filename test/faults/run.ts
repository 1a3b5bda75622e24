/**
 * Every fault at every moment of a live move, and a table of what came of it. Takes long: not part of `npm test`.
 *
 *   node test/faults/run.ts [--fault PART] [--moment PART] [--seed N] [--json FILE]
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { FAULTS } from './faults.ts';
import { MOMENTS, nameOf } from './moments.ts';
import { seeded } from './seeded.ts';
import { openStage } from './stage.ts';
import { asText, table } from './table.ts';
import { type Row, tryFault } from './trial.ts';

const { values } = parseArgs({
  options: {
    fault: { type: 'string', default: '' },
    moment: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
});
const chance = seeded(Number(values.seed));
const rows: Row[] = [];
let stage = await openStage('faults');
try {
  for (const fault of FAULTS.filter(({ name }) => name.includes(values.fault))) {
    for (const moment of MOMENTS.filter(each => nameOf(each).includes(values.moment))) {
      await stage.ready();
      const row = await tryFault(stage, fault, moment, chance());
      rows.push(row);
      console.log(asText(row));
      if (row.wrong.length === 0) continue;
      await stage.close(); // what is left over now would be held against the next one
      stage = await openStage('faults');
    }
  }
} finally {
  await stage.close();
}
console.log(`\n${table(rows)}`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ seed: values.seed, rows }, null, 1)}\n`);
process.exitCode = rows.some(({ wrong }) => wrong.length > 0) ? 1 : 0;
