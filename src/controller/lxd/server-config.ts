/** The server's own configuration: `/1.0` config, one for the whole cluster, with the trust password as a key that is never shown. */
import { fail } from '../../domain/errors.ts';
import type { Config } from '../../domain/instance.ts';
import { snapshotExpiry } from '../../domain/snapshot-expiry.ts';
import { together } from '../../store/keyspace.ts';
import type { Transaction } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import { CLUSTER_SETTINGS } from '../server-config.ts';
import { SERVER } from '../spaces.ts';
import { changePassword, hasPassword } from '../trust/password.ts';
import { TOKEN_EXPIRY } from '../trust/tokens.ts';

const KEY = SERVER.key('config');
const TRUST_PASSWORD = 'core.trust_password';
/** What is shown instead of the password. */
const SET = 'true';

/** As clients see it. */
export function shownConfig(view: View): Config {
  const config = view.get(KEY)?.value.config ?? {};
  return hasPassword(view) ? { ...config, [TRUST_PASSWORD]: SET } : config;
}

/** The transaction that makes the configuration be `next`. @throws AppError `invalid`, naming the key. */
export async function setServerConfig(view: View, next: Config): Promise<Transaction> {
  const { [TRUST_PASSWORD]: password = '', ...config } = next;
  for (const [key, value] of Object.entries(config)) check(key, value);
  const old = view.get(KEY);
  const change = old === undefined ? SERVER.create(KEY, { config }) : SERVER.replace(old, { ...old.value, config });
  // Clients that write back what they read send the sign instead of the password.
  if (password === SET && hasPassword(view)) return change;
  return together(change, await changePassword(view, password));
}

function check(key: string, value: string): void {
  if (key.startsWith('user.')) return;
  if (Object.hasOwn(CLUSTER_SETTINGS, key)) {
    if (!(Number(value) > 0)) fail('invalid', `Invalid value for "${key}": "${value}" is not a positive number`);
    return;
  }
  if ((Object.values(TOKEN_EXPIRY) as readonly string[]).includes(key)) {
    snapshotExpiry(key, value);
    return;
  }
  if (key === 'core.https_address')
    fail('unsupported', 'Where a controller listens is set where it is started: --listen HOST:PORT');
  fail(
    'invalid',
    `Unknown configuration key: "${key}" (known: ${[TRUST_PASSWORD, ...Object.values(TOKEN_EXPIRY), ...Object.keys(CLUSTER_SETTINGS)].join(', ')})`,
  );
}
