/** What LXD 5.0.2 has, as data: docs/compatibility/*.yaml. Written down once from its documentation, its own --help and a running one. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

export const DOCS = resolve(import.meta.dirname, '../../docs');

const config = z.record(z.string(), z.string());

const PROBES = ['profile', 'instance', 'device', 'pool', 'volume', 'network', 'project', 'server', 'member'] as const;

const keyGroup = z.object({
  group: z.string(),
  /** What is asked whether it takes a key. */
  probe: z.enum(PROBES),
  /** What a device, pool, volume or network of this kind is made of besides; its own `config` too. */
  base: z.record(z.string(), z.union([z.string(), config])).default({}),
  keys: config,
});

const command = z.object({ aliases: z.array(z.string()).default([]), flags: z.array(z.string()).default([]) });

const reason = z.object({
  section: z.enum(['endpoint', 'extension', 'key', 'command']),
  /** Regular expression over the whole name: `METHOD path`, extension, `group: key`, command. */
  match: z.string(),
  answer: z.enum(['partly', 'no']),
  why: z.string(),
});

export type KeyGroup = z.infer<typeof keyGroup>;
export type LxcCommand = z.infer<typeof command>;
export type Reason = z.infer<typeof reason>;

const read = <S extends z.ZodType>(name: string, schema: S): z.infer<S> =>
  schema.parse(parse(readFileSync(join(DOCS, 'compatibility', `${name}.yaml`), 'utf8')));

export const readEndpoints = () => read('endpoints', z.record(z.string(), z.array(z.string())));
export const readExtensions = () => read('extensions', z.array(z.string()));
export const readKeys = () => read('config-keys', z.array(keyGroup));
export const readCommands = () => read('commands', z.record(z.string(), command));
export const readReasons = () => read('reasons', z.array(reason));
