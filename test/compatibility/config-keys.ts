/**
 * Every config key and device option of LXD, tried on a whole controller in this process: what it takes is there, what it
 * refuses is not, and its refusal is the reason. No list of ours to keep in step.
 */
import { type Front, openTestApi, type Reply } from '../../src/controller/lxd/testing/test-api.ts';
import { type KeyGroup, readKeys } from './facts.ts';
import type { Finding } from './verdict.ts';

type Config = Readonly<Record<string, string>>;
type Send = (front: Front, base: KeyGroup['base'], config: Config, id: string) => Promise<Reply>;

const POOL = '/1.0/storage-pools';

const SEND: Readonly<Record<KeyGroup['probe'], Send>> = {
  profile: (front, _base, config, name) => front.send('POST', '/1.0/profiles', { body: { name, config } }),
  instance: async (front, _base, config) => {
    const reply = await front.send('PATCH', '/1.0/instances/probe', { body: { config } });
    if (reply.json?.type === 'async') await front.send('GET', `${reply.json.operation}/wait?timeout=10`);
    return reply;
  },
  device: (front, base, config, name) => {
    // A card hangs on a network or on a parent, never on both.
    const { nictype: _, parent: __, ...others } = base;
    const device = { ...(config.network === undefined ? base : others), ...config };
    return front.send('POST', '/1.0/profiles', { body: { name, devices: { probe: device } } });
  },
  pool: (front, base, config, name) => front.send('POST', POOL, { body: { ...base, name, config } }),
  volume: (front, base, config, name) =>
    front.send('POST', `${POOL}/probe-${base.driver}/volumes/custom`, { body: { name, config } }),
  network: async (front, base, config, text) => {
    const name = text.slice(0, 15);
    const body = { ...base, name, config: { ...(base.config as Config | undefined), ...config } };
    const reply = await front.send('POST', '/1.0/networks', { body });
    await front.send('DELETE', `/1.0/networks/${name}`); // two cannot have the same addresses
    return reply;
  },
  project: (front, _base, config, name) => front.send('POST', '/1.0/projects', { body: { name, config } }),
  server: (front, _base, config) => front.send('PATCH', '/1.0', { body: { config } }),
  member: (front, _base, config) => front.send('PATCH', '/1.0/cluster/members/n1', { body: { config } }),
};

/** Where not every name will do. */
const SAMPLES: Readonly<Record<string, string>> = {
  'linux.sysctl.*': 'net.ipv4.ip_forward',
  'limits.kernel.*': 'nofile',
};

/** One finding a key; one for the whole group when what it belongs to is refused as such. */
export async function findKeys(): Promise<readonly Finding[]> {
  const api = await openTestApi();
  try {
    const { front } = api;
    await prepare(front);
    const findings: Finding[] = [];
    let id = 0;
    for (const { group, probe, base, keys } of readKeys()) {
      const send = (config: Config) => SEND[probe](front, base, config, `p${++id}`);
      const whole = await send({});
      if (whole.status >= 400) {
        findings.push({ name: `${group}: all`, there: false, said: refusal(whole) });
        continue;
      }
      if (Object.keys(keys).length === 0) findings.push({ name: `${group}: all`, there: true });
      for (const [key, value] of Object.entries(keys)) {
        const named = key
          .replace('<name>', 'eth0')
          .replace('NAME', 'one')
          .replace('*', SAMPLES[key] ?? 'example');
        const reply = await send({ [named]: value });
        findings.push({ name: `${group}: ${key}`, there: reply.status < 400, said: refusal(reply) });
      }
    }
    return findings;
  } finally {
    await api.close();
  }
}

async function prepare(front: Front): Promise<void> {
  await front.run('POST', '/1.0/instances', { name: 'probe', source: { type: 'none' } });
  for (const driver of ['dir', 'btrfs'])
    await front.send('POST', POOL, { body: { name: `probe-${driver}`, driver, config: {} } });
  await front.send('POST', '/1.0/networks', { body: { name: 'lxdbr0', type: 'bridge' } });
}

const refusal = ({ status, json }: Reply): string =>
  status < 400 ? '' : String(json?.error ?? `HTTP ${status}`).split('\n', 1)[0]!;
