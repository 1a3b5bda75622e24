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
  /** Measured between the two hosts. Absent or 0: not. */
  readonly wire_bytes_per_second?: number;
  /** How its memory would travel; '' = not at all. Absent: an older server. */
  readonly mode?: string;
  readonly mode_reason?: string;
  readonly predicted_pause_ms?: number;
  readonly predicted_total_ms?: number;
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
  return [`${name} ${VERDICT[check.verdict]}, to ${placement.node} (${sizes})`, ...prediction(check), ...table].join(
    '\n',
  );
}

function prediction({
  verdict,
  mode,
  mode_reason,
  predicted_pause_ms,
  predicted_total_ms,
  wire_bytes_per_second,
}: MoveCheck): readonly string[] {
  if (verdict !== 'live' || !mode) return [];
  const seconds = ((predicted_total_ms ?? 0) / 1000).toFixed(1);
  const wire = wire_bytes_per_second ? `, at ${binarySize(wire_bytes_per_second)}/s between the hosts` : '';
  return [`by ${mode} (${mode_reason}): a pause of about ${predicted_pause_ms} ms, ${seconds} s in all${wire}`];
}

/** True if the move would be refused. */
export function isBlocked({ placement, check }: MovePlan): boolean {
  return placement.node === '' || check?.verdict === 'no';
}
