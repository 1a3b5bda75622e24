/**
 * The storage pools this host has: declared by the controller (`EnsurePool`), remembered in pools.json, opened when the
 * agent starts. A pool that cannot be opened does not stop the agent; it says why when it is asked for.
 */
import { readFile } from 'node:fs/promises';
import { AppError, fail } from '../domain/errors.ts';
import type { Config } from '../domain/instance.ts';
import { checkName } from '../domain/names.ts';
import { POOL_DRIVERS, type PoolDriver } from '../domain/storage-pool.ts';
import type { AgentConfig } from './agent-config.ts';
import { writeAtomically } from './atomic-file.ts';
import type { Paths } from './paths.ts';
import { mountPool, unmountPool } from './pool-mount.ts';
import type { StorageDriver } from './storage/driver.ts';
import { openPool } from './storage/open-pool.ts';

interface PoolDeclaration {
  readonly name: string;
  readonly driver: PoolDriver;
  readonly config: Config;
}

interface PoolFacts {
  readonly name: string;
  readonly driver: PoolDriver;
  readonly totalBytes: number;
  readonly usedBytes: number;
}

export interface Pools {
  /** Declares and opens; making it where it does not exist. @throws AppError naming what is wrong with it */
  ensure(name: string, driver: string, config: Config): Promise<PoolFacts>;
  /** Forgets it, and unmounts what `ensure` had mounted. Data stays. */
  remove(name: string): Promise<void>;
  /** @throws AppError `not-found`, or why it could not be opened */
  get(name: string): StorageDriver;
  names(): readonly string[];
  usage(): Promise<readonly PoolFacts[]>;
}

type Opened = { readonly driver: StorageDriver } | { readonly error: AppError };

export async function openPools(paths: Paths, config: AgentConfig): Promise<Pools> {
  const declared = new Map<string, PoolDeclaration>();
  const opened = new Map<string, Opened>();

  const save = () => writeAtomically(paths.poolsFile, JSON.stringify([...declared.values()]));

  const open = async (pool: PoolDeclaration): Promise<StorageDriver> => {
    const local = config.pools.find(each => each.name === pool.name);
    if (local && local.driver !== pool.driver) {
      fail(
        'invalid',
        `pool ${pool.name} is ${pool.driver} in the cluster but ${local.driver} in agent.yaml of this host`,
      );
    }
    return openPool(pool.driver, local?.source ?? (await mountPool(paths, pool)));
  };

  const get = (name: string): StorageDriver => {
    const pool = opened.get(name);
    if (pool === undefined) fail('not-found', `this host has no storage pool "${name}"`);
    if ('error' in pool) throw pool.error;
    return pool.driver;
  };

  const factsOf = async (name: string): Promise<PoolFacts> => {
    const driver = get(name);
    return { name, driver: driver.driver, ...(await driver.poolUsage()) };
  };

  for (const pool of await readDeclarations(paths.poolsFile)) {
    declared.set(pool.name, pool);
    opened.set(
      pool.name,
      await open(pool).then(
        driver => ({ driver }),
        thrown => ({ error: AppError.from(thrown) }),
      ),
    );
  }

  return {
    get,
    names: () => [...declared.keys()],
    async ensure(name, driver, poolConfig) {
      const pool = { name: checkName('storage pool', name), driver: checkDriver(driver), config: poolConfig };
      const known = opened.get(name);
      if (known === undefined || 'error' in known) {
        opened.set(name, { driver: await open(pool) });
        declared.set(name, pool);
        await save();
      } else if (known.driver.driver !== driver) {
        fail('exists', `this host has a storage pool "${name}" already, of driver ${known.driver.driver}`);
      }
      return factsOf(name);
    },
    async remove(name) {
      const pool = declared.get(name);
      if (pool === undefined) return;
      const local = config.pools.some(each => each.name === name);
      declared.delete(name);
      opened.delete(name);
      await save();
      if (!local) await unmountPool(paths, pool);
    },
    async usage() {
      const all = await Promise.allSettled([...declared.keys()].map(factsOf));
      return all.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []));
    },
  };
}

function checkDriver(text: string): PoolDriver {
  const driver = POOL_DRIVERS.find(each => each === text);
  if (driver === undefined)
    fail('unsupported', `storage driver "${text}" is not supported (${POOL_DRIVERS.join(', ')})`);
  return driver;
}

async function readDeclarations(file: string): Promise<readonly PoolDeclaration[]> {
  const text = await readFile(file, 'utf8').catch(() => '[]');
  return JSON.parse(text) as readonly PoolDeclaration[];
}
