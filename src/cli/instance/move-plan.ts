import type { Placement } from '../../domain/placement.ts';
import { binarySize } from '../render/quantity.ts';
import { drawTableText } from '../render/table.ts';
import { renderPlacement } from './placement.ts';

/** What our server says before a move: where to (and why there), and whether the instance can go there as it runs. */
export interface MovePlan {
  readonly placement: Placement;
  readonly check?: MoveCheck;
}

interface MoveCheck {
  readonly verdict: 'live' | 'restart' | 'no';
  readonly obstacles: readonly {
    readonly what: string;
    readonly advice: string;
    readonly severity: 'warn' | 'restart' | 'no';
  }[];
  /** Resident: what has to travel. */
  readonly memory_bytes: number;
  readonly disk_bytes: number;
  readonly processes: number;
}

const VERDICT = {
  live: 'can move while it runs',
  restart: 'can move, but must be restarted for it',
  no: 'cannot move',
} as const satisfies Record<MoveCheck['verdict'], string>;

export async function renderMovePlan(name: string, plan: MovePlan): Promise<string> {
  return [await renderPlacement(plan.placement), await renderMoveCheck(name, plan)].join('\n');
}

export async function renderMoveCheck(name: string, { placement, check }: MovePlan): Promise<string> {
  if (placement.node === '') return `${name} cannot move: ${placement.summary}`;
  if (check === undefined) return `${name} does not run: only its disk moves to ${placement.node}`;
  const sizes = `${check.processes} processes, ${binarySize(check.memory_bytes)} of memory and ${binarySize(check.disk_bytes)} of disk to carry`;
  const obstacles = check.obstacles.map(o => [o.severity.toUpperCase(), o.what, o.advice]);
  const table = obstacles.length === 0 ? [] : [await drawTableText(['SEVERITY', 'OBSTACLE', 'ADVICE'], obstacles)];
  return [`${name} ${VERDICT[check.verdict]}, to ${placement.node} (${sizes})`, ...table].join('\n');
}

/** True if the move would be refused. */
export function isBlocked({ placement, check }: MovePlan): boolean {
  return placement.node === '' || check?.verdict === 'no';
}
