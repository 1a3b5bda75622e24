/**
 * The project as JavaScript: Node takes the types out of each file by itself, which an emulator needs half a minute for.
 */
import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { FOLDER, PROJECT } from './packages.ts';

const TO = join(FOLDER, 'js');
/** As one file each, for opening files takes long too: what is started several times. */
const PROGRAMS = ['src/agent/main.ts', 'src/agent/move/pages/main.ts'];
const SCRIPTS = 'src/agent/criu/bin';

/** @returns the path of what a file of the project has become */
export async function asJavaScript(file: string): Promise<string> {
  rmSync(TO, { recursive: true, force: true });
  const entryPoints = globSync('{src,deploy,test/guest}/**/*.ts', { cwd: PROJECT });
  const common = { absWorkingDir: PROJECT, outdir: TO, outbase: '.', format: 'esm', target: 'node24' } as const;
  await build({ ...common, entryPoints });
  await build({
    ...common,
    entryPoints: PROGRAMS,
    bundle: true,
    platform: 'node',
    plugins: [inTheGuest],
    banner: { js: "import * as module_ from 'node:module'; const require = module_.createRequire(import.meta.url);" },
  });
  // Imports, and programs that are started by their path.
  for (const path of globSync('**/*.js', { cwd: TO })) {
    const text = readFileSync(join(TO, path), 'utf8');
    writeFileSync(join(TO, path), text.replace(/\.ts(['"`])/g, '.js$1'));
  }
  cpSync(join(PROJECT, 'package.json'), join(TO, 'package.json'));
  cpSync(join(PROJECT, SCRIPTS), join(TO, SCRIPTS), { recursive: true });
  return join(TO, file.replace(/\.ts$/, '.js'));
}

/** An emulator on a busy machine is so much slower: agents wait longer for CRIU before they say that it hangs. */
const SLOWER = 6;
const PATIENCE = /(const (?:AT_LEAST|ARM_TIMEOUT|END_TIMEOUT|BACK_TIMEOUT)_MS = )([\d_]+);/g;

const inTheGuest: Plugin = {
  name: 'in-the-guest',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => {
      // Each file looks for what lies beside it where it was before it became part of a larger one.
      const here = join('/berth', relative(PROJECT, TO), relative(PROJECT, dirname(path)));
      const contents = readFileSync(path, 'utf8')
        .replaceAll('import.meta.dirname', JSON.stringify(here))
        .replace(PATIENCE, `$1${SLOWER} * $2;`);
      return { contents, loader: 'ts' };
    }),
};
