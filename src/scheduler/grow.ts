/** May an instance ask for more where it is? Only what grows is looked at: a full node must not hinder other changes. */
import type { Requests } from '../domain/resources.ts';
import { RESOURCE_FILTERS } from './filters.ts';
import type { NodeSnapshot, PlaceRequest } from './snapshot.ts';

/**
 * @param node its allocation includes `before`
 * @returns why not, e.g. "not enough memory (largest free 512MiB, needs 1GiB)"; undefined = it may
 */
export function refuseGrowth(node: NodeSnapshot, pool: string, before: Requests, after: Requests): string | undefined {
  const grown = (part: keyof Requests) => (after[part] > before[part] ? after[part] : 0);
  const request: PlaceRequest = {
    architecture: node.architecture,
    requests: { cpuMillis: grown('cpuMillis'), memoryBytes: grown('memoryBytes'), diskBytes: grown('diskBytes') },
    pool,
    networks: [],
    kind: '',
  };
  const without: NodeSnapshot = {
    ...node,
    allocated: {
      cpuMillis: node.allocated.cpuMillis - before.cpuMillis,
      memoryBytes: node.allocated.memoryBytes - before.memoryBytes,
      diskBytes: node.allocated.diskBytes - before.diskBytes,
    },
  };
  const refusing = RESOURCE_FILTERS.find(filter => filter.prepare(request)?.(without) === false);
  if (refusing === undefined) return undefined;
  return `${refusing.because} (${refusing.detail?.(request, [without]) ?? ''})`;
}
