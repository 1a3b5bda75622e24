/** `/` and `/1.0`: the first call of every client, so it reads nothing but memory. */
import { readFileSync } from 'node:fs';
import { arch, release, type } from 'node:os';
import { z } from 'zod';
import { fail } from '../../domain/errors.ts';
import { DEFAULT_PROJECT } from '../../domain/project.ts';
import { fingerprintOf } from '../../kit/certificates.ts';
import { commit } from '../commit.ts';
import { type Answer, DONE, raw, sync } from '../http/answer.ts';
import { type ApiRequest, matchEtag, readBody } from '../http/request.ts';
import type { Route } from '../http/route.ts';
import { NODE_STATUS, NODES } from '../spaces.ts';
import type { Lxd } from './context.ts';
import { API_EXTENSIONS } from './extensions.ts';
import { type ConfigChange, configField, patched, withoutEmpty } from './fields.ts';
import { setServerConfig, shownConfig } from './server-config.ts';

/** What we are compatible with; Juju wants a number of at least 5.0. */
const SERVER_VERSION = '5.0.2';

export function serverRoutes(lxd: Lxd): readonly Route[] {
  const environment = constantEnvironment(lxd);
  const metrics = async (): Promise<Answer> => raw(lxd.metrics.contentType, await lxd.metrics.render());
  return [
    { method: 'GET', path: '/', access: 'anyone', handle: () => sync(['/1.0']) },
    { method: 'GET', path: '/metrics', access: 'metrics', handle: metrics },
    { method: 'GET', path: '/1.0/metrics', access: 'metrics', handle: metrics },
    {
      method: 'GET',
      path: '/1.0',
      access: 'anyone',
      handle: request => {
        const { access } = request.caller;
        if (access === 'anyone' || access === 'metrics') return sync(untrusted());
        // The server is in no project: also who is kept out of `default` may ask.
        const project = request.query.project || DEFAULT_PROJECT;
        const member = memberEnvironment(lxd, request);
        const config = access === 'admin' ? shownConfig(lxd.view) : {};
        const addresses = lxd.addresses();
        return sync(
          {
            ...untrusted(),
            auth: 'trusted',
            auth_user_name: request.caller.username,
            auth_user_method: request.caller.protocol,
            config,
            environment: { ...environment, addresses, project, ...member },
          },
          config,
        );
      },
    },
    {
      method: 'PUT',
      path: '/1.0',
      access: 'admin',
      handle: request => change(lxd, request, (_old, sent) => withoutEmpty(sent)),
    },
    { method: 'PATCH', path: '/1.0', access: 'admin', handle: request => change(lxd, request, patched) },
  ];
}

function untrusted() {
  return {
    api_extensions: API_EXTENSIONS,
    api_status: 'stable',
    api_version: '1.0',
    auth: 'untrusted',
    public: false,
    auth_methods: ['tls'],
  };
}

async function change(lxd: Lxd, request: ApiRequest, next: ConfigChange): Promise<Answer> {
  const present = shownConfig(lxd.view);
  matchEtag(request, present);
  const { config } = await readBody(request, z.object({ config: configField }));
  await commit(lxd, await setServerConfig(lxd.view, next(present, config)));
  return DONE;
}

function constantEnvironment(lxd: Lxd) {
  const os = osRelease();
  const architecture = { x64: 'x86_64', arm64: 'aarch64' }[arch() as string] ?? arch();
  return {
    architectures: [architecture],
    certificate: lxd.secrets.server.cert,
    certificate_fingerprint: fingerprintOf(lxd.secrets.server.cert),
    driver: 'lxc',
    driver_version: '5.0.2',
    firewall: 'nftables',
    kernel: type(),
    kernel_architecture: architecture,
    kernel_features: {},
    kernel_version: release(),
    lxc_features: {},
    os_name: os.NAME ?? '',
    os_version: os.VERSION_ID ?? '',
    server: 'lxd',
    server_clustered: true,
    server_event_mode: 'full-mesh',
    server_name: lxd.controller,
    server_pid: process.pid,
    server_version: SERVER_VERSION,
    storage: 'dir',
    storage_version: '1',
    storage_supported_drivers: [
      { Name: 'dir', Version: '1', Remote: false },
      { Name: 'btrfs', Version: '', Remote: false },
    ],
  };
}

/** With `?target=` the facts of that member. */
function memberEnvironment(lxd: Lxd, request: ApiRequest) {
  const name = request.query.target;
  if (name === undefined || name === '' || name.startsWith('@') || name === lxd.controller) return {};
  if (lxd.view.get(NODES.key(name)) === undefined) fail('not-found', `Cluster member not found: ${name}`);
  const host = lxd.view.get(NODE_STATUS.key(name))?.value.host;
  if (host === undefined) return { server_name: name };
  return {
    server_name: name,
    architectures: [host.architecture],
    kernel_architecture: host.architecture,
    kernel_version: host.kernel,
    driver_version: host.lxcVersion,
    os_name: host.osName,
    os_version: host.osVersion,
  };
}

function osRelease(): Readonly<Record<string, string>> {
  try {
    const lines = readFileSync('/etc/os-release', 'utf8').matchAll(/^(\w+)="?([^"\n]*)"?$/gm);
    return Object.fromEntries([...lines].map(([, key, value]) => [key!, value!]));
  } catch {
    return {};
  }
}
