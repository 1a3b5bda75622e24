/** How a verb on an instance is carried out for the wire: logged, and what it did known before its answer is. */
import { AppError } from '../domain/errors.ts';
import type { Log } from './log.ts';
import type { Observer } from './observe.ts';
import type { Ref } from './spec.ts';

export type Verb = <T>(name: string, ref: Ref, work: () => Promise<T>, more?: object) => Promise<T>;

export function verbs(observer: Observer, log: Log): Verb {
  return async (name, ref, work, more = {}) => {
    const began = performance.now();
    const fields = () => ({
      verb: name,
      instance: ref.id,
      generation: ref.generation,
      ...more,
      ms: Math.round(performance.now() - began),
    });
    try {
      const result = await work();
      log.info(fields(), 'done');
      return result;
    } catch (thrown) {
      const { code, message } = AppError.from(thrown);
      log.warn({ ...fields(), code }, message);
      throw thrown;
    } finally {
      observer.refresh(ref.id);
    }
  };
}
