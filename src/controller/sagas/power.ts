/** "Start it", "stop it": which saga that is in the state the instance is in, and what makes no sense there. Pure. */
import { fail } from '../../domain/errors.ts';
import type { InstanceRecord, Seen } from '../../domain/instance.ts';
import type { InstanceKey } from '../instances/instance-store.ts';
import type { Saga } from '../saga/saga.ts';
import {
  type ChangeStateInput,
  freezeInstance,
  restartInstance,
  startInstance,
  stopInstance,
  unfreezeInstance,
} from './change-state.ts';
import { startStateful, stopStateful } from './stateful-power.ts';

export const STATE_ACTIONS = ['start', 'stop', 'restart', 'freeze', 'unfreeze'] as const;
export type StateAction = (typeof STATE_ACTIONS)[number];

/** How the state shall change. A type, not an interface: it is part of the stored input of sagas. */
export type PowerChange = {
  readonly action: StateAction;
  readonly force: boolean;
  /** Stop: keep memory and processes. Start: go on with them. */
  readonly stateful?: boolean;
  /** Below 0: the agent's default. */
  readonly timeoutSeconds: number;
};

export interface PowerOrder {
  readonly saga: Saga<ChangeStateInput> | Saga<InstanceKey>;
  readonly input: ChangeStateInput;
  readonly description: string;
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

/** @throws AppError `invalid` for a change to what it is already. */
export function powerOrder(record: InstanceRecord, state: Seen, change: PowerChange): PowerOrder {
  const { project, name, id } = record;
  // As in LXD, "start" is also how one goes on with a frozen instance.
  const meant = change.action === 'start' && state === 'frozen' ? 'unfreeze' : change.action;
  const { saga, description, refuse }: Action = ACTIONS[meant];
  const refusal = refuse(state);
  if (refusal !== undefined) fail('invalid', refusal);
  const stateful = change.stateful === true ? statefulSaga(meant, record, state) : undefined;
  const timeoutMs = Math.max(-1, Math.round(change.timeoutSeconds * 1000));
  return { saga: stateful ?? saga, input: { project, name, id, force: change.force, timeoutMs }, description };
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
