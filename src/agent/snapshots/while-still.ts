/** Holds a running instance still for as long as its volume is copied, if its pool needs that to copy one moment. */
import type { Host } from '../host.ts';
import type { StorageDriver } from '../storage/driver.ts';

/** The caller holds the instance's lock. @returns how long it stood still, in ms */
export async function whileStill(
  host: Host,
  id: string,
  driver: StorageDriver,
  copy: () => Promise<void>,
): Promise<number> {
  const began = host.clock.now();
  const holds = !driver.snapshotsAreAtomic && host.runtime.look(id).state === 'running';
  if (holds) await host.runtime.freeze(id);
  try {
    await copy();
  } finally {
    await letRun(host, id);
  }
  return holds ? host.clock.now() - began : 0;
}

/** One that shall run and is frozen was left so by a copy: ours, or that of an agent that died over it. Repeatable. */
export async function letRun(host: Host, id: string): Promise<void> {
  if (host.ledger.get(id)?.wanted === 'running' && host.runtime.look(id).state === 'frozen')
    await host.runtime.thaw(id);
}
