/**
 * What we ask of CRIU beyond what LXC asks. The network namespace is not saved: its one or two NICs are the agent's
 * and are plugged in anew, which spares about 100 ms of dumping and restoring it. The network is locked by our action
 * script, at the bridge. A ramfs comes back empty: systemd mounts one for the credentials of every service that may have
 * some, and most have none; where there are files in it, `inside.ts` sees to it that nothing moves.
 */
import { join } from 'node:path';
import { SCRIPTS } from './locate.ts';

const COMMON = ['--empty-ns', 'net', '--enable-fs', 'ramfs', '--action-script', join(SCRIPTS, 'action')];

export const DUMP_OPTIONS: readonly string[] = [...COMMON, '--network-lock', 'skip'];

/** The lock is the dump's: CRIU takes it from the images. */
export const RESTORE_OPTIONS: readonly string[] = COMMON;
