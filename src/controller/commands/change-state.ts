/** "Start it", "stop it": which saga that is, and what makes no sense in the state the instance is in. */
import { fail } from '../../domain/errors.ts';
import type { Seen } from '../../domain/instance.ts';
import { getInstance } from '../instances/instance-store.ts';
import { mustBeReachable, seenState } from '../instances/state.ts';
import type { Saga } from '../saga/saga.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import {
  type ChangeStateInput,
  freezeInstance,
  restartInstance,
  startInstance,
  stopInstance,
  unfreezeInstance,
} from '../sagas/change-state.ts';
import { instanceBeginning } from '../sagas/instance-beginning.ts';
import type { Commander, Requestor } from './commander.ts';

export const STATE_ACTIONS = ['start', 'stop', 'restart', 'freeze', 'unfreeze'] as const;
export type StateAction = (typeof STATE_ACTIONS)[number];

export interface StateChange {
  readonly project: string;
  readonly name: string;
  readonly action: StateAction;
  readonly force: boolean;
  /** Below 0: the agent's default. */
  readonly timeoutSeconds: number;
}

interface Action {
  readonly saga: Saga<ChangeStateInput>;
  readonly description: string;
  /** Why not, given what it is; undefined = go on. */
  readonly refuse: (state: Seen) => string | undefined;
}

const ACTIONS = {
  start: {
    saga: startInstance,
    description: 'Starting instance',
    refuse: state => (state === 'running' ? 'The instance is already running' : undefined),
  },
  stop: {
    saga: stopInstance,
    description: 'Stopping instance',
    refuse: state => (state === 'stopped' ? 'The instance is already stopped' : undefined),
  },
  restart: {
    saga: restartInstance,
    description: 'Restarting instance',
    refuse: state => (state === 'stopped' ? 'The instance is not running' : undefined),
  },
  freeze: {
    saga: freezeInstance,
    description: 'Freezing instance',
    refuse: state =>
      state === 'frozen'
        ? 'The instance is already frozen'
        : state === 'running'
          ? undefined
          : 'The instance is not running',
  },
  unfreeze: {
    saga: unfreezeInstance,
    description: 'Unfreezing instance',
    refuse: state => (state === 'frozen' ? undefined : 'The instance is not frozen'),
  },
} as const satisfies Record<StateAction, Action>;

/** @throws AppError `not-found`, `invalid` for a change to what it is already, `unavailable`, `busy`. */
export async function beginChangeState(
  { engine, view }: Commander,
  change: StateChange,
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { project, name } = change;
  const { value } = getInstance(view, project, name);
  mustBeReachable(view, value);
  const state = seenState(view, value);
  // As in LXD, "start" is also how one goes on with a frozen instance.
  const action = ACTIONS[change.action === 'start' && state === 'frozen' ? 'unfreeze' : change.action];
  const refusal = action.refuse(state);
  if (refusal !== undefined) fail('invalid', refusal);
  const timeoutMs = Math.max(-1, Math.round(change.timeoutSeconds * 1000));
  const input = { project, name, id: value.id, force: change.force, timeoutMs };
  return engine.start(action.saga, input, instanceBeginning(action.description, value, requestor));
}
