/** What an instance was last seen to be, and whether its host can be asked at all. */
import { fail } from '../../domain/errors.ts';
import type { InstanceRecord, Seen } from '../../domain/instance.ts';
import type { View } from '../../store/view.ts';
import { isLost } from '../saga/live-agents.ts';
import { STATUS } from '../spaces.ts';

/** One that nobody has seen yet has not been started yet. Right after a move it is what it was before. */
export function seenState(view: View, { id, node }: Pick<InstanceRecord, 'id' | 'node'>): Seen {
  if (node !== '' && isLost(view, node)) return 'unknown';
  return view.get(STATUS.key(id))?.value.state ?? 'stopped';
}

/** @throws AppError `unavailable` when its host is away. */
export function mustBeReachable(view: View, { name, node }: InstanceRecord): void {
  if (node !== '' && isLost(view, node)) {
    fail('unavailable', `Instance "${name}" is on node ${node}, which is offline; try again when it is back`);
  }
}
