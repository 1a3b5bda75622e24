/**
 * The decision: pure, exact (every node is looked at) and repeatable: the same request, snapshot and seed give the same
 * answer. The controller commits it guarded by the node's allocation and asks again on conflict.
 */
import type { PlacementReason } from '../domain/placement.ts';
import { refusal, success } from './explain.ts';
import { FILTERS } from './filters.ts';
import { SCORES } from './scores.ts';
import type { NodeSnapshot, PlaceRequest } from './snapshot.ts';

export type Decision =
  | {
      readonly kind: 'placed';
      readonly node: string;
      readonly summary: string;
      readonly reasons: readonly PlacementReason[];
    }
  | { readonly kind: 'rejected'; readonly summary: string; readonly reasons: readonly PlacementReason[] };

export function place(request: PlaceRequest, nodes: readonly NodeSnapshot[], seed: string): Decision {
  const tests = FILTERS.flatMap(filter => {
    const test = filter.prepare(request);
    return test === undefined ? [] : [{ filter, test }];
  });
  const refused = nodes.map(node => tests.filter(({ test }) => !test(node)).map(({ filter }) => filter));
  const fitting = nodes.filter((_node, i) => refused[i]!.length === 0);

  const rules = SCORES.map(score => ({ name: score.name, weight: score.weight, of: score.prepare(request) }));
  const scored = fitting.map(node => {
    const scores = Object.fromEntries(rules.map(rule => [rule.name, round(rule.weight * rule.of(node))]));
    return { node, scores, score: round(Object.values(scores).reduce((sum, value) => sum + value, 0)) };
  });
  const best = scored.reduce<(typeof scored)[number] | undefined>(
    (winner, each) => (winner === undefined || beats(each, winner, seed) ? each : winner),
    undefined,
  );

  const reasons = nodes.map((node, i): PlacementReason => {
    const mark = scored.find(each => each.node === node);
    if (mark === undefined) {
      return {
        node: node.name,
        verdict: 'rejected',
        because: refused[i]!.map(filter => withDetail(filter, request, node)),
      };
    }
    return {
      node: node.name,
      verdict: mark === best ? 'chosen' : 'fits',
      because: [],
      score: mark.score,
      scores: mark.scores,
    };
  });
  if (best === undefined) {
    return { kind: 'rejected', reasons, summary: refusal(request, nodes, refused) };
  }
  return { kind: 'placed', node: best.node.name, reasons, summary: success(best, scored, nodes.length) };
}

interface Scored {
  readonly node: NodeSnapshot;
  readonly score: number;
}

/** Ties are broken by a hash of seed and name, so that equal nodes share the load without a random source. */
function beats(a: Scored, b: Scored, seed: string): boolean {
  if (a.score !== b.score) return a.score > b.score;
  return hash(seed + a.node.name) > hash(seed + b.node.name);
}

/** FNV-1a with a final mix; quality matters only in that similar names must not sort alike for every seed. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 0;
}

/** Six digits: enough to rank by, and free of noise like 0.30000000000000004 in what people read. */
function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

function withDetail(filter: (typeof FILTERS)[number], request: PlaceRequest, node: NodeSnapshot): string {
  const detail = filter.detail?.(request, [node]) ?? '';
  return detail === '' ? filter.because : `${filter.because} (${detail})`;
}
