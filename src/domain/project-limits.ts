/** What all instances of a project may use together: `limits.*` of the project, each the sum of the instances' own limits. */
import { rootDisk } from './devices.ts';
import { fail } from './errors.ts';
import type { Config, Devices } from './instance.ts';
import type { ProjectRecord } from './project.ts';
import { formatBytes, parseBytes } from './size.ts';
import { integer, size, type ValueCheck } from './values.ts';

/** An instance as it counts: both expanded. */
export interface Counted {
  readonly name: string;
  readonly config: Config;
  readonly devices: Devices;
}

interface Limit {
  readonly check: ValueCheck;
  readonly parse: (text: string) => number;
  readonly show: (amount: number) => string;
  /** What an instance uses; undefined: it has no limit of its own, so nobody knows. */
  readonly of: (instance: Counted) => number | undefined;
  /** The setting of an instance that must be there. */
  readonly needs?: string;
}

const bytes = { check: size, parse: (text: string) => parseBytes('limit', text), show: formatBytes };
const count = { check: integer(0, 1_000_000), parse: Number, show: String };

export const PROJECT_LIMITS = {
  'limits.instances': { ...count, of: () => 1 },
  'limits.containers': { ...count, of: () => 1 },
  'limits.virtual-machines': { ...count, of: () => 0 },
  'limits.cpu': { ...count, of: ({ config }) => plain(config['limits.cpu'], /^\d+$/, Number), needs: 'limits.cpu' },
  'limits.memory': {
    ...bytes,
    of: ({ config }) => plain(config['limits.memory'], /^[^%]+$/, bytes.parse),
    needs: 'limits.memory',
  },
  'limits.processes': {
    ...count,
    of: ({ config }) => plain(config['limits.processes'], /^\d+$/, Number),
    needs: 'limits.processes',
  },
  'limits.disk': {
    ...bytes,
    of: ({ devices }) => plain(rootDisk(devices)?.size, /./, bytes.parse),
    needs: 'size of its root disk',
  },
} as const satisfies Readonly<Record<string, Limit>>;

export type ProjectLimit = keyof typeof PROJECT_LIMITS;
const NAMES = Object.keys(PROJECT_LIMITS) as readonly ProjectLimit[];

export function hasLimits({ config }: ProjectRecord): boolean {
  return NAMES.some(name => Object.hasOwn(config, name));
}

/** @returns by limit: what is allowed (-1 = any amount) and what is used; what has no limit of its own counts as nothing. */
export function projectUsage(
  { config }: ProjectRecord,
  instances: readonly Counted[],
): Readonly<Record<ProjectLimit, { readonly limit: number; readonly usage: number }>> {
  const entries = NAMES.map(name => {
    const { parse, of }: Limit = PROJECT_LIMITS[name];
    const usage = instances.reduce((sum, instance) => sum + (of(instance) ?? 0), 0);
    return [name, { limit: config[name] === undefined ? -1 : parse(config[name]), usage }];
  });
  return Object.fromEntries(entries) as ReturnType<typeof projectUsage>;
}

/** @throws AppError `invalid`, naming the limit, what is used, and the project. */
export function mustBeWithinLimits(project: ProjectRecord, instances: readonly Counted[]): void {
  const used = projectUsage(project, instances);
  for (const name of NAMES) {
    const { limit, usage } = used[name];
    if (limit < 0) continue;
    const { of, needs, show }: Limit = PROJECT_LIMITS[name];
    const without = instances.find(instance => of(instance) === undefined);
    if (without !== undefined)
      fail(
        'invalid',
        `Project "${project.name}" has ${name}: instance "${without.name}" needs a plain ${needs ?? name} of its own, directly or by a profile`,
      );
    if (usage > limit)
      fail('invalid', `Project "${project.name}" allows ${name} ${show(limit)}: this would make it ${show(usage)}`);
  }
}

/** Neither a set of cores nor a share can be added up. */
function plain(text: string | undefined, form: RegExp, parse: (text: string) => number): number | undefined {
  return text !== undefined && form.test(text) ? parse(text) : undefined;
}
