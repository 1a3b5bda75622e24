/** Waiting for what sends no event: another program's file, socket or answer. */
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../src/domain/errors.ts';

const POLL_MS = 15;

/** Resolves with the first answer of `check` that is not undefined; `deadline` names what was waited for. */
export async function until<T>(
  what: string,
  timeoutMs: number,
  check: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const answer = await check();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new AppError('deadline', `waited ${timeoutMs} ms in vain for ${what}`);
    await sleep(POLL_MS);
  }
}
