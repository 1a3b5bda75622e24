/** A decision in one sentence. */
import type { Filter } from './filters.ts';
import type { NodeSnapshot, PlaceRequest } from './snapshot.ts';

/**
 * "0 of 3 hosts: 2 not enough memory (largest free 512MiB, needs 1GiB), 1 cordoned". Each node is counted once, under the
 * first rule that refused it; the commonest reason comes first.
 */
export function refusal(
  request: PlaceRequest,
  nodes: readonly NodeSnapshot[],
  refused: readonly (readonly Filter[])[],
): string {
  if (nodes.length === 0) return 'no host has joined the cluster yet';
  const { target } = request;
  if (target !== undefined && 'node' in target && !nodes.some(node => node.name === target.node)) {
    return `there is no host "${target.node}" (hosts: ${nodes.map(node => node.name).join(', ')})`;
  }
  const byReason = new Map<Filter, NodeSnapshot[]>();
  nodes.forEach((node, i) => {
    const first = refused[i]![0]!;
    byReason.set(first, [...(byReason.get(first) ?? []), node]);
  });
  const parts = [...byReason]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([filter, group]) => {
      const detail = filter.detail?.(request, group) ?? '';
      return `${group.length} ${filter.because}${detail === '' ? '' : ` (${detail})`}`;
    });
  return `0 of ${hosts(nodes.length)}: ${parts.join(', ')}`;
}

/** "n2 of 3 hosts: best by fewest instances", naming the rule that made the difference to the runner-up. */
export function success(
  best: { readonly node: NodeSnapshot; readonly scores: Readonly<Record<string, number>> },
  scored: readonly {
    readonly node: NodeSnapshot;
    readonly score: number;
    readonly scores: Readonly<Record<string, number>>;
  }[],
  total: number,
): string {
  const where = `${best.node.name} of ${hosts(total)}`;
  const others = scored.filter(each => each.node !== best.node);
  if (others.length === 0) return `${where}: the only one that fits`;
  const second = others.reduce((a, b) => (b.score > a.score ? b : a));
  const leads = Object.entries(best.scores).map(([name, value]) => ({
    name,
    lead: value - (second.scores[name] ?? 0),
  }));
  const decisive = leads.reduce((a, b) => (b.lead > a.lead ? b : a));
  return decisive.lead > 0 ? `${where}: best by ${decisive.name}` : `${where}: as good as the others, chosen by seed`;
}

function hosts(count: number): string {
  return count === 1 ? '1 host' : `${count} hosts`;
}
