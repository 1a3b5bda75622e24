/** A failed dump or restore as an error for a person: the cause in CRIU's words, and what to do where we know it. */
import { AppError } from '../../domain/errors.ts';
import { adviceOn } from './advice.ts';
import { errorsIn } from './log.ts';

const WHAT = { dump: 'saving the running container', restore: 'restoring the container' } as const;

/** @param output what lxc-checkpoint said, for failures before CRIU wrote a log */
export function criuFailure(kind: 'dump' | 'restore', log: string, output: string): AppError {
  const errors = errorsIn(log);
  const cause = errors.length > 0 ? errors.join('; ') : lastLines(output) || 'no reason was given';
  const advice = adviceOn(errors.length > 0 ? errors : [output]);
  const text = `${WHAT[kind]} failed: ${cause}`;
  return new AppError('unsupported', advice === undefined ? text : `${text} (${advice})`, { log, output });
}

const lastLines = (text: string): string => text.trim().split('\n').slice(-3).join('; ');
