/**
 * The runtime port on LXC 5: only starting needs a program of LXC's. Stopping is a signal to init, freezing is a cgroup
 * file, and looking is reading: so stopping takes as long as the kernel needs, and nothing is asked of the monitor.
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../domain/errors.ts';
import { type Clock, systemClock } from '../../kit/clock.ts';
import { type Cgroups, writeCgroup } from '../cgroups.ts';
import { run } from '../command.ts';
import { PLUG_FILES } from '../nic/plug-files.ts';
import type { Runtime } from '../runtime.ts';
import { signalNumber } from './init-type.ts';
import { isAlive, isFrozen, look, lookAgain } from './look.ts';
import { startError } from './start-error.ts';

const START_TIMEOUT_MS = 30_000;
const KILL_TIMEOUT_MS = 10_000;
const FREEZE_TIMEOUT_MS = 10_000;
const LOG_TAIL_BYTES = 64 * 1024;

export function lxcRuntime(lxcPath: string, cgroups: Cgroups, clock: Clock = systemClock): Runtime {
  const folderOf = (id: string) => join(lxcPath, id);
  const logOf = (id: string) => join(folderOf(id), 'lxc.log');
  const seen = (id: string) => look(cgroups, id);

  const log = async (id: string): Promise<string> => {
    const text = await readFile(logOf(id), 'utf8').catch(() => '');
    return text.slice(-LOG_TAIL_BYTES);
  };

  /** Init gone, monitor gone, so that a start right after it meets nothing of the old one. */
  const untilGone = (id: string, monitor: number, timeoutMs: number) =>
    until(() => seen(id).monitor === 0 && (monitor === 0 || !isAlive(monitor)), timeoutMs, clock);

  const setFrozen = async (id: string, frozen: boolean): Promise<void> => {
    const folder = cgroups.payload('freezer', id);
    if (folder === undefined || seen(id).pid === 0) fail('conflict', `instance ${id} is not running`);
    const [file, value] = cgroups.v2
      ? ['cgroup.freeze', frozen ? '1' : '0']
      : ['freezer.state', frozen ? 'FROZEN' : 'THAWED'];
    writeCgroup(folder, file, value);
    if (await until(() => isFrozen(cgroups, id) === frozen, FREEZE_TIMEOUT_MS, clock)) return;
    if (frozen) writeCgroup(folder, file, cgroups.v2 ? '0' : 'THAWED');
    fail('deadline', `instance ${id} could not be ${frozen ? 'frozen' : 'thawed'}: a process in it waits for a disk`);
  };

  const kill = async (id: string): Promise<void> => {
    const { pid, monitor, state } = seen(id);
    if (pid !== 0) signal(pid, 'SIGKILL');
    // A task frozen by the v1 freezer receives nothing, SIGKILL included, until it thaws.
    if (state === 'frozen' && !cgroups.v2) writeCgroup(cgroups.payload('freezer', id)!, 'freezer.state', 'THAWED');
    if (pid === 0 || !(await untilGone(id, monitor, KILL_TIMEOUT_MS))) {
      for (const left of [monitor, ...cgroups.monitors(id), ...cgroups.members(id)]) signal(left, 'SIGKILL');
    }
    if (await until(() => cleared(id), KILL_TIMEOUT_MS, clock)) return;
    fail('internal', `instance ${id} has processes that cannot be killed (waiting for a disk?)`);
  };

  /** Cgroups can be removed once the last process in them has really gone. */
  const cleared = (id: string): boolean => {
    try {
      cgroups.clear(id);
      return true;
    } catch {
      return false;
    }
  };

  return {
    look: seen,
    lookAgain: (id, before) => lookAgain(cgroups, id, before),
    ids: cgroups.ids,
    log,
    kill,
    freeze: id => setFrozen(id, true),
    thaw: id => setFrozen(id, false),

    async folder(id) {
      await mkdir(folderOf(id), { recursive: true, mode: 0o711 });
      return folderOf(id);
    },

    async start(id, name) {
      await kill(id); // an agent that died while it started this one may have left it half-way
      for (const old of [logOf(id), join(folderOf(id), PLUG_FILES.errors)]) await rm(old, { force: true });
      const args = ['-P', lxcPath, '-n', id, '-d', '-o', logOf(id), '-l', 'WARN'];
      const { code } = await run('lxc-start', args, { timeoutMs: START_TIMEOUT_MS, allowFailure: true }).catch(
        async thrown => {
          await kill(id);
          throw thrown;
        },
      );
      const now = seen(id);
      if (code === 0) return now; // it may have ended already; that is then seen
      await kill(id);
      const plugErrors = await readFile(join(folderOf(id), PLUG_FILES.errors), 'utf8').catch(() => '');
      throw startError(name, await log(id), plugErrors);
    },

    async shutdown(id, haltSignal, timeoutMs) {
      const { pid, monitor, state } = seen(id);
      if (pid === 0) return kill(id);
      if (state === 'frozen') await setFrozen(id, false);
      signal(pid, signalNumber(haltSignal));
      if (!(await untilGone(id, monitor, timeoutMs))) {
        fail('deadline', `instance did not shut down within ${Math.round(timeoutMs / 1000)} s; stop it with --force`);
      }
    },

    async remove(id) {
      await kill(id);
      await rm(folderOf(id), { recursive: true, force: true });
    },
  };
}

/** Asks often at first, then every 20 ms: what we wait for usually comes within a few. False when it did not. */
async function until(condition: () => boolean, timeoutMs: number, clock: Clock): Promise<boolean> {
  const deadline = clock.now() + timeoutMs;
  for (let pause = 1; !condition(); pause = Math.min(20, pause * 2)) {
    if (clock.now() >= deadline) return false;
    await clock.sleep(pause);
  }
  return true;
}

function signal(pid: number, name: NodeJS.Signals | number): void {
  if (pid <= 1) return;
  try {
    process.kill(pid, name);
  } catch {
    // gone: what we wanted
  }
}
