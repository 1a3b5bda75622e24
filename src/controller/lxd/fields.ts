/** Pieces of request bodies that many nouns share. Unknown keys are ignored: clients send back whatever they once read. */
import { z } from 'zod';
import { COMPRESSIONS } from '../../domain/backup.ts';
import type { Config, Devices } from '../../domain/instance.ts';

const map = z.record(z.string(), z.string());

/** Absent and null are the empty map. */
export const configField = map.nullish().transform(value => (value ?? {}) as Config);

export const devicesField = z
  .record(z.string(), map)
  .nullish()
  .transform(value => (value ?? {}) as Devices);

export const textField = z
  .string()
  .nullish()
  .transform(value => value ?? '');

export const flagField = z
  .boolean()
  .nullish()
  .transform(value => value ?? false);

/** Undefined when it is not said: then it is what is configured. */
export const compressionField = textField.transform(text => text || undefined).pipe(z.enum(COMPRESSIONS).optional());

/** What becomes of a config: PUT replaces it (`withoutEmpty` of what was sent), PATCH changes it (`patched`). */
export type ConfigChange = (present: Config, sent: Config) => Config;

/** Setting a key to '' removes it. */
export function withoutEmpty(config: Config): Config {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== ''));
}

/** PATCH: keys that are sent win, '' removes, others stay. */
export function patched(present: Config, changes: Config): Config {
  return withoutEmpty({ ...present, ...changes });
}

/** Device keys set to '' are removed. */
export function cleanDevices(devices: Devices): Devices {
  return Object.fromEntries(Object.entries(devices).map(([name, device]) => [name, withoutEmpty(device)]));
}
