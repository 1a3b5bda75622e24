/** Which CRIU this host uses: the one it was told of, the one its set-up found to work, or the distribution's. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Our own programs around CRIU; `bin/criu` must be found first by lxc-checkpoint. */
export const SCRIPTS = join(import.meta.dirname, 'bin');

const BY_SET_UP = '/usr/local/lib/berth/criu/criu';
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** @returns its path, or undefined if there is none. `told`: BERTH_CRIU of the agent's environment. */
export function locateCriu(told: string | undefined): string | undefined {
  const candidates = [...(told ? [told] : []), BY_SET_UP, ...PATH.split(':').map(folder => join(folder, 'criu'))];
  return candidates.find(path => existsSync(path));
}

/** What our scripts and lxc-checkpoint need to know; `command.ts` adds it to its own environment. */
export function checkpointEnvironment(criu: string, folder: string): Record<string, string> {
  return { PATH: `${SCRIPTS}:${PATH}`, BERTH_CRIU: criu, BERTH_MOVE: folder };
}
