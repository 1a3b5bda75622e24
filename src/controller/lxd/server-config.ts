/** The server's own configuration: `/1.0` config, one record for the whole cluster. */
import { fail } from '../../domain/errors.ts';
import type { Config } from '../../domain/instance.ts';
import { keyspace, type Stored } from '../../store/keyspace.ts';
import type { Transaction } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import { hashPassword } from '../trust/password.ts';

/** Key `server/config`; written by the API. */
export interface ServerConfigRecord {
  readonly config: Config;
  /** Salted; '' = none. Shown as "true". */
  readonly trustPasswordHash: string;
}

const SPACE = keyspace<ServerConfigRecord>('server');
const KEY = SPACE.key('config');
const NONE: ServerConfigRecord = { config: {}, trustPasswordHash: '' };

const TRUST_PASSWORD = 'core.trust_password';
const SHOWN_PASSWORD = 'true';

type Check = (value: string) => boolean;

const seconds: Check = value => /^\d{1,6}$/.test(value);
const KEYS: Readonly<Record<string, { readonly check: Check; readonly expected: string }>> = {
  [TRUST_PASSWORD]: { check: () => true, expected: 'a text' },
  'core.https_address': { check: value => /^(\[.*\]|[^\s:]*)(:\d{1,5})?$/.test(value), expected: 'host:port' },
  'cluster.offline_threshold': { check: seconds, expected: 'a number of seconds' },
  'scheduler.cpu.overcommit': { check: value => Number(value) > 0, expected: 'a positive number' },
  'scheduler.memory.overcommit': { check: value => Number(value) > 0, expected: 'a positive number' },
  'scheduler.disk.overcommit': { check: value => Number(value) > 0, expected: 'a positive number' },
};

export function serverConfig(view: View): ServerConfigRecord {
  return view.get(KEY)?.value ?? NONE;
}

/** As clients see it: the password only as a sign that there is one. */
export function shownConfig({ config, trustPasswordHash }: ServerConfigRecord): Config {
  return trustPasswordHash === '' ? config : { ...config, [TRUST_PASSWORD]: SHOWN_PASSWORD };
}

/** The transaction that makes the configuration be `next`. @throws AppError `invalid`, naming the key. */
export async function setServerConfig(view: View, next: Config): Promise<Transaction> {
  const old: Stored<ServerConfigRecord> | undefined = view.get(KEY);
  const { [TRUST_PASSWORD]: password = '', ...config } = next;
  for (const [key, value] of Object.entries(next)) check(key, value);
  const record: ServerConfigRecord = {
    config,
    trustPasswordHash: await passwordHash(password, old?.value.trustPasswordHash ?? ''),
  };
  return old === undefined ? SPACE.create(KEY, record) : SPACE.replace(old, record);
}

function check(key: string, value: string): void {
  if (key.startsWith('user.')) return;
  const known = KEYS[key];
  if (known === undefined) fail('invalid', `Unknown configuration key: "${key}"`);
  if (!known.check(value)) fail('invalid', `Invalid value for "${key}": "${value}" is not ${known.expected}`);
}

/** Clients that write back what they read send the sign instead of the password. */
async function passwordHash(password: string, old: string): Promise<string> {
  if (password === '') return '';
  if (password === SHOWN_PASSWORD && old !== '') return old;
  return hashPassword(password);
}
