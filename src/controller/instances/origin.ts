/** Where an evacuated instance belongs: LXD's key, by which a restored node finds what was its own. */
import type { Config } from '../../domain/instance.ts';

export const ORIGIN = 'volatile.evacuate.origin';

/** @param origin '' = it is back; undefined = as it is. */
export function withOrigin(config: Config, origin: string | undefined): Config {
  if (origin === undefined) return config;
  const { [ORIGIN]: _old, ...rest } = config;
  return origin === '' ? rest : { ...rest, [ORIGIN]: origin };
}
