/** After a dump that was sent back, or a restore: does the instance really run? */
import { readFile } from 'node:fs/promises';
import { fail } from '../../domain/errors.ts';
import type { MovePorts } from './ports.ts';

const TIMEOUT_MS = 5000;
const LOOK_AGAIN_MS = 5;

/** Alive, not frozen, and no CRIU holding on to it. @throws AppError `internal` saying what it is instead */
export async function untilRunning(
  { containers, clock }: Pick<MovePorts, 'containers' | 'clock'>,
  id: string,
): Promise<void> {
  const deadline = clock.now() + TIMEOUT_MS;
  for (;;) {
    const { state, pid } = containers.look(id);
    const traced = pid !== 0 && (await isTraced(pid));
    if (state === 'running' && !traced) return;
    if (clock.now() > deadline) fail('internal', `instance ${id} is ${traced ? 'held by CRIU' : state} after its move`);
    await clock.sleep(LOOK_AGAIN_MS);
  }
}

async function isTraced(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return /^TracerPid:\t[1-9]/m.test(status);
}
