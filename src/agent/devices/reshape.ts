/**
 * Gives a running instance the devices that it shall have now. What a change that was broken off may have left in it is in
 * the ledger before the first step, so that whoever says next how it shall be finds and mends it.
 */
import type { Host } from '../host.ts';
import type { LedgerEntry } from '../ledger.ts';
import type { Spec } from '../spec.ts';
import type { Running } from './device-kind.ts';
import { kindOf } from './kinds.ts';
import { type DeviceStep, deviceSteps } from './steps.ts';

/** @returns whether anything had to be done. @throws AppError naming the device: the ledger says then what is unsure */
export async function reshape(host: Host, entry: LedgerEntry, spec: Spec): Promise<boolean> {
  const steps = deviceSteps(entry.spec.devices, spec.devices, entry.unsure);
  if (steps.length === 0) return false;
  const { pid } = host.runtime.look(spec.id);
  await host.ledger.put({ ...entry, unsure: [...(entry.unsure ?? []), spec.devices] });
  for (const step of steps) await take(host, { spec: entry.spec, pid }, { spec, pid }, step);
  return true;
}

async function take(host: Host, was: Running, is: Running, step: DeviceStep): Promise<void> {
  const kind = kindOf(step.device);
  if (step.kind === 'unplug') return kind.unplug(host, was, step.device);
  if (step.kind === 'plug') return kind.plug(host, is, step.device);
  if ((await kind.change?.(host, is, step.before, step.device)) === true) return;
  await kind.unplug(host, was, step.before);
  await kind.plug(host, is, step.device);
}
