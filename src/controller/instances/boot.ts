/**
 * In which life of its host an instance was last started (or made): when the host's boot id is another one, the host has
 * rebooted since, and what does not run was stopped by that, not by a user.
 */
import type { Config } from '../../domain/instance.ts';
import type { View } from '../../store/view.ts';
import { NODE_STATUS } from '../spaces.ts';

export const LAST_BOOT = 'volatile.last_state.boot_id';

/** The key to merge into the config of an instance that is on `node` now. */
export function bootIdOf(view: View, node: string): Config {
  const bootId = view.get(NODE_STATUS.key(node))?.value.bootId ?? '';
  return bootId === '' ? {} : { [LAST_BOOT]: bootId };
}
