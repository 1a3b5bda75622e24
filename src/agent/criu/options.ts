/**
 * What we ask of CRIU beyond what LXC asks. The network namespace is not saved: its one or two NICs are the agent's
 * and are plugged in anew, which spares about 100 ms of dumping and restoring it. The network is locked by our action
 * script, at the bridge. A ramfs comes back empty: systemd mounts one for the credentials of every service that may have
 * some, and most have none; where there are files in it, `inside.ts` sees to it that nothing moves.
 */
import { join } from 'node:path';
import type { LiveMode } from '../../domain/move-mode.ts';
import { SCRIPTS } from './locate.ts';

const COMMON = ['--empty-ns', 'net', '--enable-fs', 'ramfs', '--action-script', join(SCRIPTS, 'action')];

export const DUMP_OPTIONS: readonly string[] = [...COMMON, '--network-lock', 'skip'];

/** The lock is the dump's: CRIU takes it from the images. */
export const RESTORE_OPTIONS: readonly string[] = COMMON;

/**
 * In a post-copy the memory stays in the frozen processes, and we serve it from there (`move/pages`): they are held in
 * CRIU's hook until the last page has moved, and can be let run until the pivot. CRIU's own page server, which begins only
 * after the hook, is ended by its next one. What becomes of the processes is decided by the first hook, not by CRIU.
 */
const POST_COPY = { dump: ['--lazy-pages', '--address', '127.0.0.1'], restore: ['--lazy-pages'] };

/** @param parent of a pre-copy: the folder of its last round, as seen from that of the images */
export function dumpOptions(mode: LiveMode, parent?: string): readonly string[] {
  if (parent !== undefined) return [...DUMP_OPTIONS, '--track-mem', '--prev-images-dir', parent];
  return mode === 'post-copy' ? [...DUMP_OPTIONS, ...POST_COPY.dump] : DUMP_OPTIONS;
}

export const restoreOptions = (mode: LiveMode): readonly string[] =>
  mode === 'post-copy' ? [...RESTORE_OPTIONS, ...POST_COPY.restore] : RESTORE_OPTIONS;
