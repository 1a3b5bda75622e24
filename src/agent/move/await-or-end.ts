/** Waits for CRIU, but not for one that hangs: what stands still in its hands has to go on. */
import { AppError } from '../../domain/errors.ts';
import { endCheckpoint } from '../criu/end-checkpoint.ts';
import { awaitFacts } from './await-facts.ts';
import type { Facts } from './facts.ts';

/** @throws AppError `unsupported` when it took longer, and all that was at work for it was killed */
export async function awaitOrEnd(
  folder: string,
  enough: (facts: Facts) => boolean,
  timeoutMs: number,
  what: string,
): Promise<Facts> {
  try {
    return await awaitFacts(folder, enough, { timeoutMs, what });
  } catch (thrown) {
    const error = AppError.from(thrown);
    if (error.code !== 'deadline') throw error;
    endCheckpoint(folder);
    throw new AppError('unsupported', `${error.message}: CRIU hung and was ended`);
  }
}
