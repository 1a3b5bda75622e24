/** Starts a dump or restore with our scripts around it, in a session of its own: it outlives the agent. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AppError } from '../../domain/errors.ts';
import { start } from '../command.ts';
import { type DumpSubject, dumpCommand } from './dump-command.ts';
import { criuFailure } from './failure.ts';
import { checkpointEnvironment, SCRIPTS } from './locate.ts';

export interface Checkpoint {
  readonly verb: 'dump' | 'restore';
  /** The move's folder, furnished; images go to or come from `images` in it. */
  readonly folder: string;
  readonly criu: string;
  readonly lxcPath: string;
  readonly name: string;
  /** A dump that is not to go by way of lxc-checkpoint. */
  readonly direct?: DumpSubject | undefined;
}

/** Returns at once: how it goes on is written in the folder. */
export function startCheckpoint({ verb, folder, criu, lxcPath, name, direct }: Checkpoint): void {
  const images = join(folder, 'images');
  const what = verb === 'dump' ? '-s' : '-r';
  const log = ['-o', join(folder, 'lxc.log'), '-l', 'WARN'];
  const viaLxc = ['lxc-checkpoint', '-P', lxcPath, '-n', name, '-D', images, what, ...log];
  start(join(SCRIPTS, 'checkpoint'), direct === undefined ? viaLxc : dumpCommand(images, direct), {
    env: checkpointEnvironment(criu, folder),
    stdio: 'ignore',
    detached: true,
  });
}

/** Why it failed, from the logs it left. */
export async function checkpointFailure(verb: 'dump' | 'restore', folder: string): Promise<AppError> {
  const text = (name: string) => readFile(join(folder, name), 'utf8').catch(() => '');
  const output = [await text('output'), await text('lxc.log')].join('\n');
  return criuFailure(verb, await text(`images/${verb}.log`), output);
}
