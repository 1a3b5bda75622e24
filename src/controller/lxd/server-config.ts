/** The server's own configuration: `/1.0` config, one for the whole cluster, with the trust password as a key that is never shown. */
import { fail } from '../../domain/errors.ts';
import type { Config } from '../../domain/instance.ts';
import { SHARED_CHECKS, type SharedSetting } from '../../domain/shared-settings.ts';
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

/** Keys of LXD, with why they are not here or what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  'candid.': 'callers are known by their TLS certificates',
  'cluster.https_address': 'controllers meet in etcd',
  'cluster.images_minimal_replica': 'an image is copied to a host when an instance is made there',
  'cluster.max_standby': 'the members of etcd are yours to choose',
  'cluster.max_voters': 'the members of etcd are yours to choose',
  'core.bgp_address': 'there is no BGP',
  'core.bgp_asn': 'there is no BGP',
  'core.bgp_routerid': 'there is no BGP',
  'core.debug_address': 'see /1.0/metrics and the logs',
  'core.dns_address': 'there are no DNS zones; dnsmasq of a network names its instances',
  'core.https_address': 'where a controller listens is set where it is started: --listen HOST:PORT',
  'core.https_allowed_credentials': 'pages of other origins may not call this API',
  'core.https_allowed_headers': 'pages of other origins may not call this API',
  'core.https_allowed_methods': 'pages of other origins may not call this API',
  'core.https_allowed_origin': 'pages of other origins may not call this API',
  'core.https_trusted_proxy': 'clients are known by the certificates of their own connections',
  'core.metrics_address': 'metrics are at /1.0/metrics of the API',
  'core.metrics_authentication': 'metrics ask for a certificate of type "metrics"',
  'core.proxy_http': 'images are fetched by https only',
  'core.proxy_https': 'hosts fetch images directly',
  'core.proxy_ignore_hosts': 'hosts fetch images directly',
  'core.shutdown_timeout': 'a controller that stops leaves its operations to the others, or to its next start',
  'core.trust_ca_certificates': 'each client is trusted by itself',
  'images.auto_update_cached': 'images are not refreshed by themselves yet',
  'images.auto_update_interval': 'images are not refreshed by themselves yet',
  'images.default_architecture': 'an image is fetched for the architecture of the host that it is for',
  'maas.': 'there is no MAAS',
  'network.ovn.': 'there is no OVN',
  'rbac.': 'callers are known by their TLS certificates',
  'storage.': 'archives lie in the data folder of their host; mount a volume there',
};

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
  if (Object.hasOwn(SHARED_CHECKS, key)) {
    if (value !== '') SHARED_CHECKS[key as SharedSetting](key, value);
    return;
  }
  const refused = Object.keys(REFUSED).find(each => key === each || (each.endsWith('.') && key.startsWith(each)));
  if (refused !== undefined) fail('unsupported', `Configuration key "${key}" is not supported: ${REFUSED[refused]}`);
  fail(
    'invalid',
    `Unknown configuration key: "${key}" (known: ${[TRUST_PASSWORD, ...Object.values(TOKEN_EXPIRY), ...Object.keys(CLUSTER_SETTINGS), ...Object.keys(SHARED_CHECKS)].join(', ')})`,
  );
}
