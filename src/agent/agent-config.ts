/**
 * DATA/agent.yaml: what only this host can know. Everything has a default that fits an ordinary host; `join` fills in
 * name and address. The cluster's pools and networks come from the controller, not from here.
 */
import { readFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { fail } from '../domain/errors.ts';
import { writeAtomically } from './atomic-file.ts';
import { DEFAULT_ID_MAP } from './storage/id-map.ts';

const address = z.string().regex(/^.+:\d{1,5}$/, 'must be HOST:PORT');

const schema = z.strictObject({
  /** The node's name in the cluster; given by `join`. */
  name: z.string().optional(),
  /** The gRPC server; others reach it under this address too. */
  listen: address.optional(),
  /** Bulk streams; default: the host of `listen`, its port plus one. */
  dataListen: address.optional(),
  /** The bridge of NICs that name neither network nor parent. */
  bridge: z.string().default('berthbr0'),
  /** Containers live in cgroups PREFIX/lxc.payload.ID. */
  cgroupPrefix: z
    .string()
    .regex(/^[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)*$/)
    .default('berth'),
  /** Where lxcfs is mounted; without it containers see the host's /proc/meminfo. */
  lxcfsDir: z.string().default('/var/lib/lxcfs'),
  /** Host ids of unprivileged containers; must be root's in /etc/subuid and /etc/subgid. */
  idmap: z
    .strictObject({ base: z.int().min(1), size: z.int().min(65_536) })
    .default({ base: DEFAULT_ID_MAP.base, size: DEFAULT_ID_MAP.size }),
  /** Pools that are ready-made on this host: the controller's pool of that name uses this source. */
  pools: z
    .array(z.strictObject({ name: z.string(), driver: z.enum(['dir', 'btrfs']), source: z.string().startsWith('/') }))
    .default([]),
});

export type AgentConfig = z.output<typeof schema>;

/** A config that can be run: joined, with both addresses. */
export interface RunConfig extends AgentConfig {
  readonly name: string;
  readonly listen: string;
  readonly dataListen: string;
}

/** A missing file is the defaults. @throws AppError `invalid` naming the field */
export async function readConfig(path: string): Promise<AgentConfig> {
  const text = await readFile(path, 'utf8').catch((thrown: NodeJS.ErrnoException) =>
    thrown.code === 'ENOENT' ? '' : Promise.reject(thrown),
  );
  const parsed = schema.safeParse(parse(text) ?? {});
  if (!parsed.success) {
    const { path: field, message } = parsed.error.issues[0]!;
    fail('invalid', `${path}: ${field.join('.') || 'file'}: ${message}`);
  }
  return parsed.data;
}

export async function writeConfig(path: string, config: AgentConfig): Promise<void> {
  await writeAtomically(path, stringify(config), 0o644);
}

/** @throws AppError `invalid` if this host has not joined a cluster */
export function runnable(config: AgentConfig): RunConfig {
  const { name, listen } = config;
  if (name === undefined || listen === undefined) {
    fail('invalid', 'this host has not joined a cluster: run "berth agent join TOKEN" first');
  }
  const colon = listen.lastIndexOf(':');
  const dataListen = config.dataListen ?? `${listen.slice(0, colon)}:${Number(listen.slice(colon + 1)) + 1}`;
  return { ...config, name, listen, dataListen };
}
