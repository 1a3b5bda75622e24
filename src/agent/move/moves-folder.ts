/** Where moves keep their folders: a tmpfs of its own, for images are as large as the memory of what is moved. */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { AppError } from '../../domain/errors.ts';
import { run } from '../command.ts';
import { MAKE_ROOM } from '../criu/advice.ts';

/** CRIU opens images as the guest's root as well: it must be able to pass through. */
export const PASS_THROUGH = 0o711;

/** Makes it, if it is not mounted yet. A limit, not a reservation: the images of several moves must fit. Repeatable. */
export async function mountMovesFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: PASS_THROUGH });
  const mounted = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .some(line => line.split(' ')[4] === path);
  if (mounted) return;
  const options = 'size=90%,mode=0711,nosuid,nodev,noexec';
  await run('mount', ['-t', 'tmpfs', '-o', options, 'berth-moves', path], { timeoutMs: 10_000 });
}

/** Runs `work`. @throws AppError `exhausted` in place of the kernel's word that there is no room in the folder of moves */
export async function withRoom<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOSPC') throw thrown;
    throw new AppError('exhausted', `no room for its memory in ${path}, a tmpfs: ${MAKE_ROOM}`, thrown);
  }
}

/** Is a move at work on it here? Synchronous and cheap: asked for every instance at every look. */
export function isMovingIn(path: string, instance: string): boolean {
  try {
    return readdirSync(path).some(name => name.includes(`.${instance}.`));
  } catch {
    return false;
  }
}
