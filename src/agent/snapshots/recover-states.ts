/** After a start of the agent: what its predecessor was doing with states is brought to an end, one way or the other. */
import type { Host } from '../host.ts';
import type { Log } from '../log.ts';
import { settleResume } from './resume-state.ts';
import { settleDump } from './settle-dump.ts';

/** An instance that stood still for a dump runs on when this returns. */
export async function recoverStates(host: Host, log: Log): Promise<void> {
  for (const id of await host.states.instances()) {
    const spec = host.ledger.get(id)?.spec;
    if (host.isMoving(id)) continue; // on its way to us, or from us
    if (spec === undefined) {
      await host.states.removeAll(id);
      continue;
    }
    await host.locks
      .run(id, async () => {
        await settleDump(host, spec);
        await settleResume(host, spec);
        await host.states.clear(id);
      })
      .catch((error: unknown) => log.error({ instance: id, cause: error }, 'an interrupted dump or restore is left'));
  }
}
