/**
 * Before a freeze: TCP connections that no process holds. CRIU saves what processes hold; one that waits to be accepted, and
 * one whose last bytes the kernel sends for a process that has closed it, would be lost. So new ones are kept away, whose
 * clients ask again after a second, until the others have been taken or have ended. The rules lie in the instance's own
 * network namespace: they hold for all its NICs and its loopback, end with it, and expire in case nobody comes to end them.
 */
import { readFile } from 'node:fs/promises';
import type { Clock } from '../../kit/clock.ts';
import { run } from '../command.ts';
import { unheldIn } from './proc-net.ts';

const TABLE = 'inet berth';
/** Longer than this takes and a freeze after it; clients ask after 1, 3, 7 and 15 s. */
const EXPIRES_S = 5;

const SHUT = `
table ${TABLE}
delete table ${TABLE}
table ${TABLE} {
  set shut { type inet_proto; flags timeout; elements = { tcp timeout ${EXPIRES_S}s }; }
  chain new {
    type filter hook input priority filter;
    tcp flags & (syn | ack) == syn meta l4proto @shut drop
  }
}
`;

const LOOK_MS = 2;
/** A program that accepts nobody for so long may never do it. */
const STUCK_MS = 100;
/** A queue that grows shorter is worth more, but clients who come now wait as well. */
const AT_MOST_MS = 2000;

/** Best effort: where the kernel or the host has no nftables, only who knocked before is let in. @param pid of its init */
export async function quiesce(pid: number, clock: Clock): Promise<void> {
  await nft(pid, SHUT);
  const begun = clock.now();
  let least = Number.POSITIVE_INFINITY;
  let progress = begun;
  for (;;) {
    const left = await unheld(pid);
    const now = clock.now();
    if (left < least) [least, progress] = [left, now];
    if (left === 0 || now - progress > STUCK_MS || now - begun > AT_MOST_MS) return;
    await clock.sleep(LOOK_MS);
  }
}

/** Ends what `quiesce` began. Repeatable; never throws. @param pid of its init; 0: it has ended, and the rules with it */
export const admit = (pid: number): Promise<void> => nft(pid, `table ${TABLE}\ndelete table ${TABLE}\n`);

async function nft(pid: number, input: string): Promise<void> {
  if (pid === 0) return;
  const args = ['-t', `${pid}`, '-n', 'nft', '-f', '-'];
  await run('nsenter', args, { input, timeoutMs: 5000, allowFailure: true }).catch(() => {});
}

async function unheld(pid: number): Promise<number> {
  const files = ['tcp', 'tcp6'].map(name => readFile(`/proc/${pid}/net/${name}`, 'utf8').catch(() => ''));
  return (await Promise.all(files)).reduce((sum, text) => sum + unheldIn(text), 0);
}
