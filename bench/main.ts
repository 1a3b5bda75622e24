/**
 * Runs bench/NAME/bench.ts, prints its table, keeps every value.
 *
 *   npm run bench -- NAME [--quick] [--only PART] [--json FILE] [--svg FILE]
 */
import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AppError } from '../src/domain/errors.ts';
import { type Findings, type Options, type Report, renderReport } from './report.ts';

/** What each bench.ts exports as `bench`. */
type Bench = (options: Options) => Promise<Findings>;

const { values, positionals } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
    svg: { type: 'string' },
  },
  allowPositionals: true,
});
const [name] = positionals;
const known = readdirSync(import.meta.dirname).filter(entry =>
  existsSync(join(import.meta.dirname, entry, 'bench.ts')),
);

if (name === undefined || !known.includes(name)) {
  console.error(
    `npm run bench -- NAME [--quick] [--only PART] [--json FILE] [--svg FILE]\nbenchmarks: ${known.join(', ')}`,
  );
  process.exitCode = 1;
} else {
  try {
    const machine = {
      cpus: cpus().length,
      memoryBytes: totalmem(),
      kernel: release(),
      node: process.version,
      load: loadavg()[0]!,
    };
    const { bench } = (await import(`./${name}/bench.ts`)) as { readonly bench: Bench };
    const { quick, only } = values;
    const { rows, table, picture } = await bench({ quick, only, say: line => console.error(`  ${line}`) });
    const report: Report = { name, at: new Date().toISOString(), machine, rows };
    if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
    if (values.svg !== undefined && picture !== undefined) await writeFile(values.svg, picture);
    console.log(renderReport(report, table));
  } catch (error) {
    console.error(`Error: ${AppError.from(error).message}`);
    process.exitCode = 1;
  }
}
