/** `npm run bench -- NAME [--quick] [--json FILE]`: runs bench/NAME/bench.ts, prints its table, keeps every value. */
import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AppError } from '../src/domain/errors.ts';
import { type Report, type Row, renderReport } from './report.ts';

/** What each bench.ts exports as `bench`. */
type Bench = (options: { readonly quick: boolean; readonly say: (line: string) => void }) => Promise<readonly Row[]>;

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' } },
  allowPositionals: true,
});
const [name] = positionals;
const known = readdirSync(import.meta.dirname).filter(entry =>
  existsSync(join(import.meta.dirname, entry, 'bench.ts')),
);

if (name === undefined || !known.includes(name)) {
  console.error(`npm run bench -- NAME [--quick] [--json FILE]\nbenchmarks: ${known.join(', ')}`);
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
    const rows = await bench({ quick: values.quick, say: line => console.error(`  ${line}`) });
    const report: Report = { name, at: new Date().toISOString(), machine, rows };
    if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
    console.log(renderReport(report));
  } catch (error) {
    console.error(`Error: ${AppError.from(error).message}`);
    process.exitCode = 1;
  }
}
