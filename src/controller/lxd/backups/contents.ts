/** What a backup says of its instance and snapshots: LXD's YAML, read with care, for it comes from anywhere. Pure. */
import { parse } from 'yaml';
import { z } from 'zod';
import { fail } from '../../../domain/errors.ts';
import type { BackupIndex } from '../../../rpc/gen/berth/agent/v1/backups_pb.ts';
import { parse as check } from '../../http/request.ts';
import { devicesField, flagField, textField } from '../fields.ts';

/** YAML makes numbers and booleans of what people wrote as text. */
export const textsField = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String))
  .nullish()
  .transform(value => value ?? {});

/** '' for a time that is not set. */
export const timeField = z
  .string()
  .nullish()
  .transform(text => {
    const at = Date.parse(text ?? '');
    return at > 0 ? new Date(at).toISOString() : '';
  });

const described = z
  .object({
    name: textField.transform(name => name.split('/').at(-1)!),
    architecture: textField,
    description: textField,
    config: textsField,
    devices: devicesField,
    profiles: z
      .array(z.string())
      .nullish()
      .transform(value => value ?? []),
    ephemeral: flagField,
    created_at: timeField,
    expires_at: timeField,
  })
  .transform(({ created_at: createdAt, expires_at: expiresAt, ...rest }) => ({ ...rest, createdAt, expiresAt }));

export type Described = z.infer<typeof described>;

const snapshots = z
  .array(described)
  .nullish()
  .transform(value => value ?? []);
const config = z.object({ container: described.nullish(), instance: described.nullish(), snapshots });
const index = z.object({ name: textField, snapshots: z.array(z.string()).nullish(), config: config.nullish() });

export interface Contents {
  readonly instance: Described;
  readonly snapshots: readonly Described[];
  /** Owners of its files are those inside, plus this. */
  readonly idBase: number;
  /** The same of its snapshots, by name. */
  readonly snapshotIdBases: Readonly<Record<string, number>>;
}

/** @throws AppError `invalid`, naming what is wrong. */
export function contentsOf(texts: Pick<BackupIndex, 'index' | 'config'>): Contents {
  const outer = check(index, load('backup/index.yaml', texts.index));
  const inner = outer.config ?? check(config, load('backup/container/backup.yaml', texts.config));
  const instance = inner.container ?? inner.instance ?? fail('invalid', 'The backup does not describe its instance');
  const there = outer.snapshots ?? [];
  const along = inner.snapshots.filter(({ name }) => outer.snapshots === undefined || there.includes(name));
  const chosen = outer.snapshots === null || there.length === 0 ? [] : along;
  const baseOf = ({ config }: Described) => idBaseOf('volatile.last_state.idmap', config['volatile.last_state.idmap']);
  return {
    instance: { ...instance, name: instance.name || outer.name },
    snapshots: chosen,
    idBase: baseOf(instance),
    snapshotIdBases: Object.fromEntries(chosen.map(each => [each.name, baseOf(each)])),
  };
}

/** LXD notes there how the files' owners are shifted: a list of ranges, or nothing. */
export function idBaseOf(key: string, text = ''): number {
  if (text === '' || text === '[]' || text === 'null') return 0;
  const range = z.array(
    z.object({
      Isuid: z.boolean(),
      Hostid: z
        .int()
        .min(0)
        .max(2 ** 31),
      Nsid: z.int(),
    }),
  );
  let found: z.infer<typeof range>;
  try {
    found = range.parse(JSON.parse(text));
  } catch {
    return fail('invalid', `The backup's "${key}" cannot be read`);
  }
  const bases = new Set(found.filter(({ Nsid }) => Nsid === 0).map(({ Hostid }) => Hostid));
  if (bases.size > 1 || found.some(({ Nsid }) => Nsid !== 0))
    fail(
      'unsupported',
      "The owners of the backup's files are mapped in parts (raw.idmap): start it without, and export it again",
    );
  return [...bases][0] ?? 0;
}

function load(name: string, text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 10 });
  } catch (error) {
    return fail('invalid', `The backup's ${name} is no YAML: ${(error as Error).message.split('\n')[0]}`);
  }
}
