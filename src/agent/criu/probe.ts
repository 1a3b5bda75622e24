/**
 * Can this host save and restore a running process? Asked of CRIU by doing it: `criu check` and version numbers prove
 * nothing. A throw-away program with a listening socket in namespaces of its own is dumped and restored; about 150 ms.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../../domain/errors.ts';
import { type Clock, systemClock } from '../../kit/clock.ts';
import { run, start } from '../command.ts';
import { criuFailure } from './failure.ts';

export interface CriuCapability {
  readonly works: boolean;
  /** '' when there is none. */
  readonly version: string;
  /** Why it does not work, for a person; '' when it does. */
  readonly reason: string;
}

/** @param criu as `locateCriu` found it. Never throws; leaves nothing behind. */
export async function probeCriu(criu: string | undefined, clock: Clock = systemClock): Promise<CriuCapability> {
  if (criu === undefined) return { works: false, version: '', reason: 'CRIU is not installed: run the host set-up' };
  let version = '';
  const folder = await mkdtemp(join(tmpdir(), 'berth-criu-'));
  try {
    version = /Version: (\S+)/.exec((await run(criu, ['--version'], { timeoutMs: 5000 })).stdout)?.[1] ?? '';
    await dumpAndRestore(criu, folder, clock);
    return { works: true, version, reason: '' };
  } catch (thrown) {
    return { works: false, version, reason: AppError.from(thrown).message };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * `setpriv` and `--kill-child`: it dies with us, whatever we die of. Then its own session, and no descriptor of ours: what a
 * container's init looks like.
 */
const SUBJECT = '--pdeathsig KILL unshare --pid --net --fork --kill-child setsid busybox nc -ll -p 7 -e true'.split(
  ' ',
);

async function dumpAndRestore(criu: string, folder: string, clock: Clock): Promise<void> {
  const common = ['-D', folder, '--empty-ns', 'net', '--network-lock', 'skip', '--manage-cgroups=ignore'];
  // In a folder of its own: CRIU makes one called proc.crtools where the process stands, and probes of two agents on one
  // machine (a local cluster) that both stand in `/` trip over each other's.
  const subject = start('setpriv', SUBJECT, { stdio: 'ignore', cwd: folder });
  let pid = 0;
  try {
    pid = await listeningChild(subject.pid, clock);
    await criuDoes('dump', criu, ['-t', `${pid}`, ...common], folder);
  } catch (thrown) {
    endIfThere(pid); // a dump that failed lets it run on
    throw thrown;
  } finally {
    subject.kill('SIGKILL');
  }
  const pidFile = join(folder, 'pid');
  await criuDoes('restore', criu, ['--restore-detached', '--pidfile', pidFile, ...common], folder);
  endIfThere(Number(await readFile(pidFile, 'utf8')));
}

async function criuDoes(verb: 'dump' | 'restore', criu: string, args: readonly string[], folder: string) {
  const options = { timeoutMs: 15_000, allowFailure: true };
  const { code, stderr } = await run(criu, [verb, '-o', `${verb}.log`, ...args], options);
  if (code !== 0) throw criuFailure(verb, await readFile(join(folder, `${verb}.log`), 'utf8').catch(() => ''), stderr);
}

/** The child of `parent`, once its socket is open. */
async function listeningChild(parent: number, clock: Clock): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const [child] = (await textOf(`/proc/${parent}/task/${parent}/children`)).trim().split(' ');
    if (child && / 0A /.test(await textOf(`/proc/${child}/net/tcp6`))) return Number(child);
    await clock.sleep(10);
  }
  throw new AppError('internal', 'the program for the trial dump did not start (is busybox-static installed?)');
}

function endIfThere(pid: number): void {
  try {
    if (pid !== 0) process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended
  }
}

const textOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
