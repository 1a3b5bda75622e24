/**
 * What we ask of CRIU beyond what LXC asks. The network namespace is not saved: its one or two NICs are the agent's
 * and are plugged in anew, which spares about 100 ms of dumping and restoring it. The network is locked by our action
 * script, at the bridge.
 */
import { join } from 'node:path';
import { SCRIPTS } from './locate.ts';

const COMMON = ['--empty-ns', 'net', '--action-script', join(SCRIPTS, 'action')];

export const DUMP_OPTIONS: readonly string[] = [...COMMON, '--network-lock', 'skip'];

/** The lock is the dump's: CRIU takes it from the images. */
export const RESTORE_OPTIONS: readonly string[] = COMMON;
