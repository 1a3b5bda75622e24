/** "Put it there": while it runs if that is asked for and it does run; or only looked at, whether it could. */
import { fail } from '../../domain/errors.ts';
import type { InstanceRecord } from '../../domain/instance.ts';
import type { MoveMode } from '../../domain/move-mode.ts';
import type { Placement } from '../../domain/placement.ts';
import { expanded } from '../instances/expanded.ts';
import { getInstance } from '../instances/instance-store.ts';
import { checkTarget } from '../instances/new-instance.ts';
import { mustBeReachable, seenState } from '../instances/state.ts';
import { decidePlacement, type Target } from '../placing.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { askCheck } from '../sagas/ask-check.ts';
import { instanceBeginning } from '../sagas/instance-beginning.ts';
import { migrateCold } from '../sagas/migrate-cold.ts';
import { migrateLive } from '../sagas/migrate-live.ts';
import { relocate } from '../sagas/relocate.ts';
import type { Commander, Requestor } from './commander.ts';
import { mustBeFree } from './rename-instance.ts';

export interface MoveRequest {
  readonly project: string;
  readonly name: string;
  /** Asked for by clients also for stopped instances: means "if it runs, do not stop it". */
  readonly live: boolean;
  /** How it shall travel while it runs; undefined: auto. `restart` is as if `live` were false. */
  readonly mode?: MoveMode | undefined;
  /** Exec sessions may be ended by it. Default: they are in its way. */
  readonly detach?: boolean;
  /** Undefined: the best other host. */
  readonly target?: Target | undefined;
  /** Absent: it keeps its name. */
  readonly newName?: string | undefined;
}

export interface MoveCheck {
  /** live: it would go on running. restart: only by stopping and starting it. no: not at all. */
  readonly verdict: 'live' | 'restart' | 'cold' | 'no';
  readonly obstacles: readonly { readonly what: string; readonly advice: string; readonly severity: string }[];
  readonly placement: Placement;
  /** What has to travel. */
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly processes: number;
  /** Bytes per second from its host to the target, measured just now; 0 = not. */
  readonly wireBytesPerSecond: number;
  /** How its memory would travel, and why so; '' = not at all. */
  readonly mode: string;
  readonly why: string;
  readonly predictedPauseMs: number;
  readonly predictedTotalMs: number;
}

/** @throws AppError `not-found`, `invalid` for a target that makes no sense, `unavailable`, `busy`. */
export async function beginMoveInstance(
  { engine, view }: Commander,
  { project, name, live, target, mode, detach, newName = name }: MoveRequest,
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { value } = getInstance(view, project, name);
  checkMoveTarget({ view }, value, target);
  mustBeReachable(view, value);
  const runs = ['running', 'frozen'].includes(seenState(view, value));
  const input = {
    project,
    name,
    id: value.id,
    ...(mode ? { mode } : {}),
    ...(detach ? { detach } : {}),
    ...(target ? { target } : {}),
  };
  const beginning = instanceBeginning('Migrating instance', value, requestor);
  if (newName !== name) {
    mustBeFree({ view }, project, newName);
    if (runs) fail('invalid', 'Renaming of running instance not allowed: move it first, or stop it');
    return engine.start(relocate, { move: input, newName }, { ...beginning, locks: [] }); // its parts hold them
  }
  return engine.start(live && mode !== 'restart' && runs ? migrateLive : migrateCold, input, beginning);
}

/** Stops nothing and reserves nothing. @throws as `beginMoveInstance`. */
export async function checkMove(
  { view, agents, clock }: Pick<Commander, 'view' | 'agents' | 'clock'>,
  { project, name, live, target, mode, detach = false }: MoveRequest,
): Promise<MoveCheck> {
  const { value } = getInstance(view, project, name);
  checkMoveTarget({ view }, value, target);
  mustBeReachable(view, value);
  const runs = ['running', 'frozen'].includes(seenState(view, value));
  const what = { ...value, ...expanded(view, value) };
  const liveFrom = live && runs ? { liveFrom: value.node } : {};
  const placement = decidePlacement(view, what, clock.now(), { target, except: [value.node], ...liveFrom });
  if (placement.node === '') {
    const obstacle = { what: `no host fits: ${placement.summary}`, advice: '', severity: 'no' };
    return { ...NOTHING_KNOWN, verdict: 'no', obstacles: [obstacle], placement };
  }
  const wanted = mode === undefined || mode === 'restart' ? 'auto' : mode;
  const answer = await askCheck(agents, value, placement.node, { mode: wanted, detach });
  const verdict = ['live', 'restart', 'no'].includes(answer.verdict) ? (answer.verdict as MoveCheck['verdict']) : 'no';
  return {
    verdict: runs ? verdict : verdict === 'no' ? 'no' : 'cold',
    obstacles: answer.obstacles.map(({ what, advice, severity }) => ({ what, advice, severity })),
    placement,
    memoryBytes: Number(answer.memoryBytes),
    diskBytes: Number(answer.diskBytes),
    processes: answer.processes,
    wireBytesPerSecond: Math.round(answer.wireRate * 1000),
    mode: answer.mode,
    why: answer.why,
    predictedPauseMs: Math.round(answer.predictedPauseMs),
    predictedTotalMs: Math.round(answer.predictedTotalMs),
  };
}

const NOTHING_KNOWN = {
  memoryBytes: 0,
  diskBytes: 0,
  processes: 0,
  wireBytesPerSecond: 0,
  mode: '',
  why: '',
  predictedPauseMs: 0,
  predictedTotalMs: 0,
};

function checkMoveTarget({ view }: Pick<Commander, 'view'>, value: InstanceRecord, target: Target | undefined): void {
  checkTarget(view, target);
  if (target !== undefined && 'node' in target && target.node === value.node) {
    fail('invalid', `Instance "${value.name}" is already on ${value.node}`);
  }
}
