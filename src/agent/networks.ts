/**
 * The networks this host has: bridges. One that exists is used as it is, only its MAC is pinned: an unpinned bridge takes
 * the lowest MAC of its ports, so it would change with every container and the host's own address would go dead.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { AppError, fail } from '../domain/errors.ts';
import type { Config } from '../domain/instance.ts';
import { checkNetworkName } from '../domain/names.ts';
import { isTrue } from '../domain/values.ts';
import type { RunConfig } from './agent-config.ts';
import { writeAtomically } from './atomic-file.ts';
import { run } from './command.ts';
import type { Paths } from './paths.ts';

interface NetworkDeclaration {
  readonly name: string;
  readonly config: Config;
  /** We made the bridge, so we may remove it. */
  readonly ours: boolean;
}

export interface Networks {
  ensure(name: string, type: string, config: Config): Promise<void>;
  /** Removes the bridge if `ensure` had made it. */
  remove(name: string): Promise<void>;
  names(): readonly string[];
}

export async function openNetworks(paths: Paths, agent: RunConfig): Promise<Networks> {
  const declared = new Map<string, NetworkDeclaration>();
  const save = () => writeAtomically(paths.networksFile, JSON.stringify([...declared.values()]));

  const bring = async (name: string, config: Config, ours: boolean): Promise<void> => {
    const made = !isThere(name);
    const mac = made ? macFor(agent.name, name, config) : readFileSync(`/sys/class/net/${name}/address`, 'utf8').trim();
    const lines = [
      ...(made ? [`link add ${name} type bridge`] : []),
      `link set ${name} address ${mac}`,
      `link set ${name} up`,
    ];
    await batch(lines);
    if (made || ours) await configure(name, config);
    await masquerade(name, config);
  };

  const text = await readFile(paths.networksFile, 'utf8').catch(() => '[]');
  for (const network of JSON.parse(text) as readonly NetworkDeclaration[]) {
    declared.set(network.name, network);
    if (network.ours || isThere(network.name)) await bring(network.name, network.config, network.ours);
  }

  return {
    names: () => [...declared.keys()],
    async ensure(name, type, config) {
      if (type !== 'bridge') fail('unsupported', `network type "${type}" is not supported yet (bridge)`);
      checkNetworkName(name);
      const ours = declared.get(name)?.ours ?? !isThere(name);
      try {
        await bring(name, config, ours);
      } catch (thrown) {
        if (ours && !declared.has(name) && isThere(name)) await batch([`link del ${name}`]);
        throw new AppError('invalid', `network ${name}: ${AppError.from(thrown).message}`, thrown);
      }
      declared.set(name, { name, config, ours });
      await save();
    },
    async remove(name) {
      const network = declared.get(name);
      if (network === undefined) return;
      await masquerade(name, {});
      if (network.ours && isThere(name)) await batch([`link del ${name}`]);
      declared.delete(name);
      await save();
    },
  };
}

/** Addresses and uplinks of a bridge of ours. Setting them twice is setting them once. */
async function configure(name: string, config: Config): Promise<void> {
  const lines = [
    ...(config['bridge.mtu'] ? [`link set ${name} mtu ${word('bridge.mtu', config['bridge.mtu'])}`] : []),
    ...['ipv4.address', 'ipv6.address'].flatMap(key => {
      const address = config[key];
      return !address || address === 'none' || address === 'auto'
        ? []
        : [`address replace ${word(key, address)} dev ${name}`];
    }),
    ...(config['bridge.external_interfaces'] ?? '')
      .split(',')
      .filter(Boolean)
      .map(port => `link set ${word('bridge.external_interfaces', port.trim())} master ${name}`),
  ];
  await batch(lines);
}

/** One word for ip's batch file. */
function word(key: string, text: string): string {
  if (!/^[A-Za-z0-9_.:/@-]+$/.test(text)) fail('invalid', `Invalid value for "${key}": "${text}"`);
  return text;
}

/**
 * Local and unicast, the same after every reboot. Bridges that are joined need one each; one that stands alone is its
 * instances' gateway under the same address on every host, so a moved instance finds it there under the same MAC.
 */
function macFor(node: string, bridge: string, config: Config): string {
  const whose = config['bridge.external_interfaces'] ? `${node}/${bridge}` : bridge;
  const hex = createHash('sha256').update(whose).digest('hex');
  return ['02', ...[0, 2, 4, 6, 8].map(at => hex.slice(at, at + 2))].join(':');
}

/** Lets instances out under the host's own address, or no longer. A table of our own; nothing else is touched. */
async function masquerade(name: string, config: Config): Promise<void> {
  const table = `inet berth_${name.replace(/[^A-Za-z0-9]/g, '_')}`;
  const remove = `table ${table} {}\ndelete table ${table}\n`;
  const [address] = (config['ipv4.address'] ?? '').split(',');
  const wanted = isTrue(config['ipv4.nat']) && address !== '' && address !== 'none';
  if (!wanted) {
    // nft is asked only where it may have something: most hosts never had a table of ours.
    const tables = await run('nft', ['list', 'tables'], { allowFailure: true }).catch(() => undefined);
    if (tables?.stdout.includes(`table ${table}\n`)) await run('nft', ['-f', '-'], { input: remove });
    return;
  }
  const rule = `ip saddr ${word('ipv4.address', address!)} oifname != "${name}" masquerade`;
  const chain = `chain out {\n type nat hook postrouting priority srcnat; policy accept;\n ${rule}\n}`;
  await run('nft', ['-f', '-'], { input: `${remove}table ${table} {\n${chain}\n}\n` });
  await writeFile('/proc/sys/net/ipv4/ip_forward', '1');
}

const isThere = (name: string): boolean => existsSync(`/sys/class/net/${name}/bridge`);

async function batch(lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await run('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n`, timeoutMs: 10_000 });
}
