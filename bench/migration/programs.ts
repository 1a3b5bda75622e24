/** The programs that are moved and that watch: compiled where they run, for a benchmark's binary belongs in no repository. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../src/agent/command.ts';
import { AppError, fail } from '../../src/domain/errors.ts';

export interface Programs {
  /** Static: it runs in any container. */
  readonly load: string;
  readonly client: string;
}

/** @throws AppError `not-found` without a C compiler */
export async function compilePrograms(folder: string): Promise<Programs> {
  await mkdir(folder, { recursive: true });
  const compile = async (name: string): Promise<string> => {
    const source = join(import.meta.dirname, 'program', `${name}.c`);
    const file = join(folder, name);
    await run('cc', ['-O2', '-static', '-pthread', '-o', file, source]);
    return file;
  };
  try {
    return { load: await compile('load'), client: await compile('client') };
  } catch (error) {
    if (AppError.from(error).code !== 'not-found') throw error;
    fail('not-found', 'this benchmark needs a C compiler: apt-get install gcc libc6-dev');
  }
}
