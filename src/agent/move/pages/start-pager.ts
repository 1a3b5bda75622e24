/** Starts the pager of a move in a session of its own: it outlives the agent. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsIdentity } from '../../../rpc/identity.ts';
import { nodeEnvironment, start } from '../../command.ts';

const MAIN = join(import.meta.dirname, 'main.ts');

/** Returns at once: it is ready when the folder says `pager`. */
export function startPager(folder: string, criu: string, identity: TlsIdentity): void {
  const log = openSync(join(folder, 'pager.log'), 'a');
  const args = [MAIN, folder, criu];
  const pager = start(process.execPath, args, {
    env: { ...nodeEnvironment(), BERTH_MOVE: folder },
    stdio: ['pipe', 'ignore', log],
    detached: true,
  });
  closeSync(log);
  pager.stdin.on('error', () => {}); // it ended already: the folder will say so
  pager.stdin.end(JSON.stringify(identity));
}
