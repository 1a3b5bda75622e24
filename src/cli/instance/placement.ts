import type { Placement, PlacementReason } from '../../domain/placement.ts';
import { drawTableText } from '../render/table.ts';

/** The decision in a sentence, and a line for each host: the chosen one first, then by score, the rejected ones last. */
export async function renderPlacement(placement: Placement): Promise<string> {
  const reasons = placement.reasons.toSorted(
    (a, b) => ORDER[a.verdict] - ORDER[b.verdict] || (b.score ?? 0) - (a.score ?? 0) || (a.node < b.node ? -1 : 1),
  );
  const rows = reasons.map(r => [
    r.node,
    r.verdict.toUpperCase(),
    r.score === undefined ? '' : formatScore(r.score),
    r.because.join(', ') || describeScores(r),
  ]);
  const lines = rows.length === 0 ? [] : [await drawTableText(['HOST', 'VERDICT', 'SCORE', 'WHY'], rows)];
  return [placement.summary, ...lines].join('\n');
}

const ORDER = { chosen: 0, fits: 1, rejected: 2 } as const satisfies Record<PlacementReason['verdict'], number>;

function describeScores({ scores }: PlacementReason): string {
  return Object.entries(scores ?? {})
    .map(([rule, score]) => `${rule} ${formatScore(score)}`)
    .join(', ');
}

function formatScore(score: number): string {
  return Number.isInteger(score) ? String(score) : score.toFixed(2);
}
