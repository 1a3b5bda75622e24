/**
 * Ends what `exec` has open in a container, because it moves: a session cannot, one end of it is on this host. It is hung up
 * as by a terminal that is closed; what does not go by that is killed. Daemons with a session of their own stay.
 */
import { readFileSync } from 'node:fs';
import type { Clock } from '../../kit/clock.ts';

/** For a shell to write its history. */
const GRACE_MS = 300;
const LOOK_MS = 10;

interface Member {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
}

/**
 * @param init pid of the container's first process
 * @param members pids of all that are in its cgroups
 * @returns how many sessions there were; all of their processes have ended
 */
export async function endSessions(init: number, members: () => readonly number[], clock: Clock): Promise<number> {
  const sessions = sessionsFromOutside(init, members().flatMap(memberOf));
  const left = () =>
    members()
      .flatMap(memberOf)
      .filter(({ session }) => sessions.has(session));
  const hungUp = clock.now();
  for (const { pid } of left()) send(pid, 'SIGHUP');
  for (let found = left(); found.length > 0; found = left()) {
    if (clock.now() - hungUp > GRACE_MS) for (const { pid } of found) send(pid, 'SIGKILL');
    await clock.sleep(LOOK_MS);
  }
  return sessions.size;
}

/** Those of processes that came from neither init nor one another: lxc-attach brought them. */
function sessionsFromOutside(init: number, found: readonly Member[]): ReadonlySet<number> {
  const inside = new Set(found.map(({ pid }) => pid));
  const leaders = found.filter(({ pid, parent }) => pid !== init && !inside.has(parent));
  return new Set(leaders.map(({ session }) => session));
}

/** Empty: it has ended. */
function memberOf(pid: number): readonly Member[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, parent, , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? [] : [{ pid, parent: Number(parent), session: Number(session) }];
  } catch {
    return [];
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // gone
  }
}
