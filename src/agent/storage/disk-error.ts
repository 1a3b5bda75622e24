/** A full disk is not a bug of ours: it becomes `exhausted`, with the place that is full in the message. */
import { AppError } from '../../domain/errors.ts';

const FULL = new Set(['ENOSPC', 'EDQUOT']);

/** Runs `work`; a full disk or quota under `place` becomes `exhausted`, everything else stays what it was. */
export async function onDisk<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const full =
      (error instanceof AppError && error.code === 'exhausted') ||
      FULL.has((error as NodeJS.ErrnoException)?.code ?? '');
    if (!full) throw error;
    throw new AppError('exhausted', `No space left in ${place}: delete something there or make it larger`, error);
  }
}
