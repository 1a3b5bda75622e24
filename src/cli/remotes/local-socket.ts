import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Io } from '../io.ts';

const INSTALLED = '/var/lib/berth/controller/unix.socket';
/** Where a local cluster of a checkout listens. */
const IN_CHECKOUT = 'var/dev/controller/unix.socket';

/**
 * The socket that `local:` means: what the environment names, else the local cluster of the checkout this program lies
 * in (if it runs), else the installed controller's.
 */
export function localSocket(
  env: Io['env'],
  programFolder: string,
  exists: (path: string) => boolean = existsSync,
): string {
  if (env.BERTH_SOCKET) return env.BERTH_SOCKET;
  if (env.LXD_DIR) return join(env.LXD_DIR, 'unix.socket');
  for (let folder = programFolder; folder !== dirname(folder); folder = dirname(folder)) {
    const socket = join(folder, IN_CHECKOUT);
    if (exists(socket)) return socket;
  }
  return INSTALLED;
}
