/** Waits for the operation that works on an instance, so that another one may begin. */
import { AppError } from '../../domain/errors.ts';
import type { InstanceRecord } from '../../domain/instance.ts';
import { lockKey } from '../saga/locks.ts';
import type { StepContext } from '../saga/step-context.ts';
import { SAGAS } from '../spaces.ts';

export function isLocked({ view }: Pick<StepContext, 'view'>, { project, name }: InstanceRecord): boolean {
  return view.get(lockKey(`instance/${project}/${name}`)) !== undefined;
}

/** @throws AppError `unsupported` when it waits for an operator; the signal's reason. */
export function untilFree(
  { view, signal }: Pick<StepContext, 'view' | 'signal'>,
  record: InstanceRecord,
): Promise<void> {
  const key = lockKey(`instance/${record.project}/${record.name}`);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = () => reject(signal.reason);
  const look = () => {
    const lock = view.get(key)?.value;
    if (lock === undefined) resolve();
    else if (view.get(SAGAS.key(lock.operation))?.value.state === 'stuck')
      reject(new AppError('unsupported', `its operation "${lock.description}" is stuck`));
  };
  const stop = view.onChange(look);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  look();
  return promise.finally(() => {
    stop();
    signal.removeEventListener('abort', onAbort);
  });
}
