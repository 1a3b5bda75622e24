/** Tells what instances use, again and again, so that a controller that lists them often need not ask for each. */
import type { AgentServer } from '../rpc/agent-services.ts';
import type { Host } from './host.ts';
import { instanceState } from './instance-state.ts';
import type { LedgerEntry } from './ledger.ts';

/** Nobody needs it more often, and each report reads some files an instance. */
const SHORTEST_MS = 200;

export function usageService(host: Host) {
  return {
    async *observeUsage({ periodMs }, { signal }) {
      while (!signal.aborted) {
        yield { instances: await Promise.all(running(host).map(entry => usageOf(host, entry))) };
        await host.clock.sleep(Math.max(periodMs, SHORTEST_MS), signal).catch(() => {}); // the caller hung up
      }
    },
  } satisfies Partial<AgentServer>;
}

/** Not those that a verb works on: one that is just being started has no address yet, and who wants to know asks again. */
function running(host: Host): readonly LedgerEntry[] {
  return host.ledger
    .list()
    .filter(({ spec: { id } }) => !host.locks.held(id) && !host.isMoving(id) && host.runtime.look(id).pid !== 0);
}

async function usageOf(host: Host, entry: LedgerEntry) {
  const { id, generation } = entry.spec;
  return { id, generation: BigInt(generation), state: await instanceState(host, entry) };
}
