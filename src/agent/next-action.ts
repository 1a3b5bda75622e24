/** What to do next so that an instance becomes what is wanted of it: pure. Asked again after each step until `done`. */
import type { Wanted } from '../domain/instance.ts';
import type { Seen } from './lxc/look.ts';

export type Action = 'start' | 'stop' | 'freeze' | 'thaw' | 'done';

const ACTIONS = {
  running: { stopped: 'start', frozen: 'thaw', running: 'done' },
  frozen: { stopped: 'start', running: 'freeze', frozen: 'done' },
  stopped: { running: 'stop', frozen: 'stop', stopped: 'done' },
} as const satisfies Record<Wanted, Record<Seen['state'], Action>>;

export function nextAction(wanted: Wanted, seen: Seen['state']): Action {
  return ACTIONS[wanted][seen];
}
