/** "Start it", "stop it": which saga that is, and what makes no sense in the state the instance is in. */
import { fail } from '../../domain/errors.ts';
import type { InstanceRecord, Seen } from '../../domain/instance.ts';
import { getInstance, type InstanceKey } from '../instances/instance-store.ts';
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
import { startStateful, stopStateful } from '../sagas/stateful-power.ts';
import type { Commander, Requestor } from './commander.ts';

export const STATE_ACTIONS = ['start', 'stop', 'restart', 'freeze', 'unfreeze'] as const;
export type StateAction = (typeof STATE_ACTIONS)[number];

export interface StateChange {
  readonly project: string;
  readonly name: string;
  readonly action: StateAction;
  readonly force: boolean;
  /** Stop: keep memory and processes. Start: go on with them. */
  readonly stateful?: boolean;
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
  const meant = change.action === 'start' && state === 'frozen' ? 'unfreeze' : change.action;
  const action = ACTIONS[meant];
  const beginning = instanceBeginning(action.description, value, requestor);
  const refusal = action.refuse(state);
  if (refusal !== undefined) fail('invalid', refusal);
  const stateful = change.stateful === true ? statefulSaga(meant, value, state) : undefined;
  if (stateful !== undefined) return engine.start(stateful, { project, name, id: value.id }, beginning);
  const timeoutMs = Math.max(-1, Math.round(change.timeoutSeconds * 1000));
  const input = { project, name, id: value.id, force: change.force, timeoutMs };
  return engine.start(action.saga, input, beginning);
}

/** Undefined: it makes no difference to what is asked for, as with LXD. @throws AppError `invalid` */
function statefulSaga(
  action: StateAction,
  { ephemeral, stateful = false }: InstanceRecord,
  state: Seen,
): Saga<InstanceKey> | undefined {
  if (action === 'start') {
    if (!stateful) fail('invalid', 'The instance has no saved state to start with');
    return startStateful;
  }
  if (action !== 'stop') return undefined;
  if (ephemeral) fail('invalid', 'An ephemeral instance is deleted when it stops: its state cannot be kept');
  if (state !== 'running') fail('invalid', `The instance is ${state}: only a running one has state to be saved`);
  return stopStateful;
}
