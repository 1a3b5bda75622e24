/**
 * Start, stop, restart, freeze, unfreeze. What runs is changed first, what is wanted is recorded when that worked: a start
 * that fails leaves the instance stopped, as it was, with the reason.
 */
import { AppError } from '../../domain/errors.ts';
import type { InstanceRecord, Wanted } from '../../domain/instance.ts';
import { commitDecided } from '../decide.ts';
import { bootIdOf, LAST_BOOT } from '../instances/boot.ts';
import { refOf, specOf } from '../instances/expanded.ts';
import { findInstance, type InstanceKey, needInstance } from '../instances/instance-store.ts';
import { withOrigin } from '../instances/origin.ts';
import { destroy, forget } from '../instances/removing.ts';
import { untilSeen } from '../instances/seen.ts';
import { type Run, saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import { INSTANCES } from '../spaces.ts';

export type ChangeStateInput = InstanceKey & {
  /** Stop: kill it. */
  readonly force: boolean;
  /** For a clean shutdown; below 0 the agent's default. */
  readonly timeoutMs: number;
  /** Evacuation: the node on which it shall be started again; '' = it was. Absent = as it is. */
  readonly origin?: string;
};

interface Given {
  readonly input: ChangeStateInput;
}

export const startInstance = saga<ChangeStateInput>('start-instance', 1)
  .undoable('start', ensure('running'), kill)
  .pivot('record', record('running'))
  .forward('seen', seen('running'))
  .end();

export const stopInstance = saga<ChangeStateInput>('stop-instance', 1)
  .harmless('stop', stop)
  .pivot('record', record('stopped'))
  .forward('remove', ifEphemeral(destroy))
  .forward('forget', ifEphemeral(forget))
  .forward('seen', seen('stopped'))
  .end();

export const restartInstance = saga<ChangeStateInput>('restart-instance', 1)
  .harmless('stop', stop)
  .undoable('start', ensure('running'), kill)
  .pivot('record', record('running'))
  .forward('seen', seen('running'))
  .end();

export const freezeInstance = saga<ChangeStateInput>('freeze-instance', 1)
  .undoable('freeze', ensure('frozen'), ensure('running'))
  .pivot('record', record('frozen'))
  .forward('seen', seen('frozen'))
  .end();

export const unfreezeInstance = saga<ChangeStateInput>('unfreeze-instance', 1)
  .undoable('unfreeze', ensure('running'), ensure('frozen'))
  .pivot('record', record('running'))
  .forward('seen', seen('running'))
  .end();

/** A clean shutdown may take as long as it was given; the call must not give up before the agent does. */
const CALL_MARGIN_MS = 30_000;
const AGENT_DEFAULT_MS = 30_000;

function ensure(state: Wanted): Run<Given, void> {
  return async (context, { input }) => {
    const { value } = needInstance(context.view, input);
    await call(context, value, state, input.force, input.timeoutMs);
  };
}

async function stop(context: StepContext, { input }: Given): Promise<void> {
  const { value } = needInstance(context.view, input);
  try {
    await call(context, value, 'stopped', input.force, input.timeoutMs);
  } catch (thrown) {
    const error = AppError.from(thrown);
    // It had its time; asking again by ourselves would only double it.
    throw error.code === 'deadline' && !input.force ? new AppError('invalid', error.message, error) : error;
  }
}

/**
 * Also remembers that it was tried in this life of its host: nobody shall try again by himself. And memory and processes
 * that had been kept are gone with a start that did not want them.
 */
async function kill(context: StepContext, { input }: Given): Promise<void> {
  const { view } = context;
  const instance = findInstance(view, input)?.value;
  if (instance === undefined) return;
  await call(context, instance, 'stopped', true, 0);
  await commitDecided(context, () => {
    const stored = findInstance(view, input);
    const boot = bootIdOf(view, instance.node);
    if (stored === undefined) return undefined;
    const { stateful, ...value } = stored.value;
    if (stateful !== true && boot[LAST_BOOT] === value.config[LAST_BOOT]) return undefined;
    return INSTANCES.replace(stored, { ...value, config: { ...value.config, ...boot } });
  });
}

async function call(
  context: StepContext,
  instance: InstanceRecord,
  state: Wanted,
  force: boolean,
  timeoutMs: number,
): Promise<void> {
  await context.agents.of(instance.node).ensureState(
    {
      ref: refOf(instance, instance.generation),
      state,
      force,
      timeoutMs: BigInt(timeoutMs),
      ...(state === 'running' ? { spec: specOf(context.view, instance) } : {}),
    },
    { timeoutMs: CALL_MARGIN_MS + (timeoutMs < 0 ? AGENT_DEFAULT_MS : timeoutMs) },
  );
}

function record(wanted: Wanted): Run<Given, void> {
  return async (context, { input }) => {
    await commitDecided(context, () => {
      const stored = needInstance(context.view, input);
      const { stateful, ...value } = stored.value;
      const boot = bootIdOf(context.view, value.node);
      const phase = wanted === 'stopped' && value.ephemeral ? 'deleting' : value.phase;
      const started = wanted === 'running' ? { lastUsedAt: new Date(context.clock.now()).toISOString() } : {};
      const config = { ...withOrigin(value.config, input.origin), ...boot };
      const same = value.wanted === wanted && value.phase === phase;
      if (same && stateful !== true && JSON.stringify(config) === JSON.stringify(value.config)) return undefined;
      return INSTANCES.replace(stored, { ...value, ...started, config, wanted, phase });
    });
  };
}

function seen(state: Wanted): Run<Given, void> {
  return async (context, { input }) => {
    const stored = findInstance(context.view, input);
    if (stored !== undefined) await untilSeen(context, input.id, stored.value.generation, state);
  };
}

/** An ephemeral instance does not outlive its stop. */
function ifEphemeral(run: (context: StepContext, key: InstanceKey) => Promise<void>): Run<Given, void> {
  return async (context, { input }) => {
    if (findInstance(context.view, input)?.value.ephemeral === true) await run(context, input);
  };
}
