/** The steps that moves share. Both ends are told the move's id and the generation that the target will have. */
import { AppError, fail } from '../../domain/errors.ts';
import type { InstanceRecord } from '../../domain/instance.ts';
import type { AgentMode, MoveMode } from '../../domain/move-mode.ts';
import type { Placement } from '../../domain/placement.ts';
import type { DataToken } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import { together } from '../../store/keyspace.ts';
import { commitInTurn } from '../decide.ts';
import { allocate, release } from '../instances/allocations.ts';
import { bootIdOf } from '../instances/boot.ts';
import { expanded, refOf, specOf } from '../instances/expanded.ts';
import { isSplit } from '../instances/image-on-node.ts';
import { findInstance, type InstanceKey, needInstance } from '../instances/instance-store.ts';
import { withOrigin } from '../instances/origin.ts';
import { untilSeen } from '../instances/seen.ts';
import { decidePlacement, mustFit, type Target } from '../placing.ts';
import { NodeLost } from '../saga/node-lost.ts';
import type { StepContext } from '../saga/step-context.ts';
import { INSTANCES, NODE_STATUS } from '../spaces.ts';

export type MoveInput = InstanceKey & {
  readonly target?: Target;
  /** How it shall travel while it runs; absent = as the hosts think best. */
  readonly mode?: MoveMode;
  /** Exec sessions may be ended. */
  readonly detach?: boolean;
  /** Hosts that take part in enough moves already. */
  readonly avoid?: readonly string[];
  /** Evacuation: the node to which it shall return; '' = it did. Absent = as it is. */
  readonly origin?: string;
};

/** Where to, decided and promised. */
export type Reserved = {
  readonly from: string;
  readonly to: string;
  /** The target's. */
  readonly generation: number;
};

export interface Given {
  readonly input: MoveInput;
}

export interface Moving extends Given {
  readonly reserve: Reserved;
}

/** @param live the target must be able to go on with what runs. */
export function reserve(live: boolean) {
  return async (context: StepContext, { input }: Given): Promise<Reserved> => {
    const { view, clock, operation } = context;
    await commitInTurn(context, () => {
      const stored = needInstance(view, input);
      const { value } = stored;
      if (value.moving?.operation === operation) return undefined;
      if (value.moving !== undefined) fail('internal', `instance ${value.name} is moved by ${value.moving.operation}`);
      const placement = decideTarget(context, value, input, live, clock.now());
      const moving = { operation, to: placement.node, placement };
      return together(INSTANCES.replace(stored, { ...value, moving }), allocate(view, placement.node, value.requests));
    });
    const { value } = needInstance(view, input);
    context.log('target reserved', { node: value.moving!.to });
    return { from: value.node, to: value.moving!.to, generation: value.generation + 1 };
  };
}

/** @throws AppError `exhausted` when the target, or every other host, does not fit. */
export function decideTarget(
  { view }: Pick<StepContext, 'view'>,
  record: InstanceRecord,
  { target, avoid = [] }: Pick<MoveInput, 'target' | 'avoid'>,
  live: boolean,
  now: number,
): Placement {
  const what = { ...record, ...expanded(view, record) };
  const liveFrom = live ? { liveFrom: record.node } : {};
  return mustFit(decidePlacement(view, what, now, { target, except: [record.node, ...avoid], ...liveFrom }));
}

export async function unreserve(context: StepContext, { input }: Given): Promise<void> {
  const { view, operation } = context;
  await commitInTurn(context, () => {
    const stored = findInstance(view, input);
    if (stored?.value.moving?.operation !== operation) return undefined;
    const { moving, ...rest } = stored.value;
    return together(INSTANCES.replace(stored, rest), release(view, moving.to, rest.requests));
  });
}

/** Makes the target ready. Given again with every call: a token opens one stream only. */
export async function prepare(context: StepContext, { input, reserve }: Moving, mode: AgentMode): Promise<DataToken> {
  const { view } = context;
  const { value } = needInstance(view, input);
  const source = view.get(NODE_STATUS.key(reserve.from))?.value;
  return context.agents.of(reserve.to).prepareMove({
    ref: moveRef(context, input, reserve, 'target'),
    spec: specOf(view, value, reserve.generation),
    live: mode !== 'cold',
    mode: mode === 'cold' ? '' : mode,
    imageSplit: isSplit(context, value.image),
    sourceDriver: source?.pools.find(({ name }) => name === value.pool)?.driver ?? '',
  });
}

export async function abortTarget(context: StepContext, { input, reserve }: Moving): Promise<void> {
  await context.agents.of(reserve.to).abortMove(moveRef(context, input, reserve, 'target'));
}

export async function abortSource(context: StepContext, { input, reserve }: Moving): Promise<void> {
  await context.agents.of(reserve.from).abortMove(moveRef(context, input, reserve, 'source'));
}

/**
 * Each end by itself: the source must not stand still until a target that is gone is called lost. It may run on at once,
 * for what the target holds runs only when it is told to, and it will not be.
 */
export async function abortBoth(context: StepContext, moving: Moving): Promise<void> {
  const ends = await Promise.allSettled([abortSource(context, moving), abortTarget(context, moving)]);
  const failures = ends.flatMap(end => (end.status === 'rejected' ? [AppError.from(end.reason)] : []));
  const worst = failures.find(failure => !(failure instanceof NodeLost)) ?? failures[0];
  if (worst !== undefined) throw worst;
}

/** The pivot: owner and generation, and what is promised to it, in one transaction. */
export async function switchOwner(context: StepContext, { input, reserve }: Moving): Promise<void> {
  const { view } = context;
  await commitInTurn(context, () => {
    const stored = needInstance(view, input);
    const { moving, ...value } = stored.value;
    if (value.node === reserve.to && value.generation === reserve.generation) return undefined;
    if (moving?.operation !== context.operation || value.generation + 1 !== reserve.generation) {
      fail('conflict', `instance ${value.name} changed its owner meanwhile`);
    }
    const config = { ...withOrigin(value.config, input.origin), ...bootIdOf(view, reserve.to) };
    const { to: node, generation } = reserve;
    return together(
      INSTANCES.replace(stored, { ...value, config, node, generation, placement: moving.placement }),
      release(view, reserve.from, value.requests),
    );
  });
}

/** Of the phases of a move, in ms, by their names. */
export type Timings = Readonly<Record<string, number>>;

/** The target owns it: lets it live there. */
export async function resume(context: StepContext, { input, reserve }: Moving): Promise<Timings> {
  const timings = await context.agents.of(reserve.to).resumeMove(moveRef(context, input, reserve, 'target'));
  context.progress({ 'berth.resume_ms': timings.ms });
  return timings.ms;
}

/**
 * The same for what ran: if CRIU is killed in that very moment its memory is lost, but not its volume. It is started anew then,
 * and the operation says so.
 * @returns undefined if it was started anew
 */
export async function resumeOrStart(context: StepContext, moving: Moving): Promise<Timings | undefined> {
  try {
    return await resume(context, moving);
  } catch (thrown) {
    const error = AppError.from(thrown);
    if (error.code !== 'unsupported') throw error;
    await startAnew(context, moving.input, moving.reserve.to, error.message);
    return undefined;
  }
}

/** It lost its memory on the way: what is on its disk begins again on the node that owns it. */
export async function startAnew(context: StepContext, input: MoveInput, node: string, why: string): Promise<void> {
  const { value } = needInstance(context.view, input);
  const ref = refOf(value, value.generation);
  await context.agents.of(node).ensureState({ ref, state: 'running', spec: specOf(context.view, value) });
  context.progress({ 'berth.started_anew': why });
}

/** Ends what stands still on the source. */
export async function commitSource(context: StepContext, { input, reserve }: Moving): Promise<void> {
  await context.agents.of(reserve.from).commitMove(moveRef(context, input, reserve, 'source'));
}

export async function cleanSource(context: StepContext, { input, reserve }: Moving): Promise<void> {
  await context.agents.of(reserve.from).ensureNoInstance({ ref: refOf(input, reserve.generation - 1) });
}

export async function seen(context: StepContext, { input, reserve }: Moving): Promise<void> {
  const record = findInstance(context.view, input)?.value;
  // One that does not run looks the same on either host, and its user has nothing to wait for.
  if (record !== undefined && record.wanted !== 'stopped')
    await untilSeen(context, input.id, reserve.generation, record.wanted);
}

export function moveRef(
  context: Pick<StepContext, 'operation'>,
  { id }: InstanceKey,
  { generation }: Pick<Reserved, 'generation'>,
  role: 'source' | 'target',
) {
  return { move: context.operation, instance: id, generation: BigInt(generation), role };
}
