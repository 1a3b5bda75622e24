/**
 * The project as JavaScript: Node takes the types out of each file by itself, which an emulator needs half a minute for.
 */
import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { FOLDER, PROJECT } from './packages.ts';

/** @returns the path of what a file of the project has become */
export async function asJavaScript(file: string): Promise<string> {
  const outdir = join(FOLDER, 'js');
  rmSync(outdir, { recursive: true, force: true });
  const entryPoints = globSync('{src,deploy,test/guest}/**/*.ts', { cwd: PROJECT });
  await build({ absWorkingDir: PROJECT, entryPoints, outdir, outbase: '.', format: 'esm', target: 'node24' });
  // Imports, and programs that are started by their path.
  for (const path of globSync('**/*.js', { cwd: outdir })) {
    const text = readFileSync(join(outdir, path), 'utf8');
    writeFileSync(join(outdir, path), text.replace(/\.ts(['"`])/g, '.js$1'));
  }
  // The agent is started several times: as one file, for opening files takes long too.
  await build({
    absWorkingDir: PROJECT,
    entryPoints: ['src/agent/main.ts'],
    outfile: join(outdir, 'src/agent/main.js'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: "import * as module_ from 'node:module'; const require = module_.createRequire(import.meta.url);" },
  });
  cpSync(join(PROJECT, 'package.json'), join(outdir, 'package.json'));
  cpSync(join(PROJECT, 'src/agent/criu/bin'), join(outdir, 'src/agent/bin'), { recursive: true });
  return join(outdir, file.replace(/\.ts$/, '.js'));
}
