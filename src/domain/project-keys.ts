/** The config keys of a project. One that is not here, or not enforced yet, is refused by name: never accepted and ignored. */
import { fail } from './errors.ts';
import type { Config } from './instance.ts';
import { FEATURES } from './project.ts';
import { PROJECT_LIMITS, type ProjectLimit } from './project-limits.ts';
import { restrictionCheck } from './project-restrictions.ts';
import { SHARED_CHECKS, type SharedSetting } from './shared-settings.ts';
import { boolean, isTrue } from './values.ts';

/** LXD has these; a limit that nothing enforces would be worse than none. */
const NOT_YET = /^(limits|restricted|backups|images)\./;

/** @throws AppError `invalid`, naming the key. */
export function checkProjectConfig(name: string, config: Config): void {
  for (const [key, value] of Object.entries(config)) {
    if (key.startsWith('user.') && key.length > 'user.'.length) continue;
    if (FEATURES.some(feature => key === `features.${feature}`)) {
      boolean(key, value);
      if (key === 'features.networks' && isTrue(value) && name !== 'default')
        fail('invalid', 'Invalid value for "features.networks": bridges are shared by all projects; set it to false');
      continue;
    }
    const limit = Object.hasOwn(PROJECT_LIMITS, key) ? PROJECT_LIMITS[key as ProjectLimit].check : undefined;
    const shared = Object.hasOwn(SHARED_CHECKS, key) ? SHARED_CHECKS[key as SharedSetting] : undefined;
    const check = key === 'restricted' ? boolean : (limit ?? shared ?? restrictionCheck(key));
    if (check !== undefined) {
      check(key, value);
      continue;
    }
    if (NOT_YET.test(key))
      fail('invalid', `Configuration key "${key}" of a project is not enforced by this version of Berth; unset it`);
    fail('invalid', `Unknown configuration key of a project: "${key}"`);
  }
}
