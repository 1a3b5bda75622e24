/**
 * What a pool holds: the root of an instance or a custom volume. Names become file names, so they are checked here
 * once; how they came to be (an instance id, a user's choice) does not matter.
 */
import { fail } from '../../domain/errors.ts';

export interface Volume {
  readonly kind: 'instance' | 'custom';
  /** Unique among its kind in the pool: the instance's id, or the volume's name. */
  readonly name: string;
}

export const instanceVolume = (id: string): Volume => ({ kind: 'instance', name: id });

/** One file name: no separators, not hidden, short enough to get a suffix. Returns it, or throws `invalid`. */
export function checkFileName(what: string, name: string): string {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.:@+-]{0,199}$/.test(name)) {
    fail('invalid', `Invalid ${what} name: "${name}" (letters, digits and ._:@+- only, at most 200 characters)`);
  }
  return name;
}

export const describe = (volume: Volume, snapshot?: string): string =>
  `${snapshot === undefined ? '' : `snapshot ${snapshot} of `}${volume.kind} volume ${volume.name}`;
