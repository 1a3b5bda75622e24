/** The instance that is moved: launched, with `load` as a service of its init, and gone afterwards. */
import { readFile } from 'node:fs/promises';
import { type RunOptions, run } from '../../src/agent/command.ts';
import type { Client } from '../../src/cli/api/client.ts';
import { at } from '../../src/cli/api/path.ts';

export const IMAGES = ['busybox', 'debian'] as const;
export type Image = (typeof IMAGES)[number];

export interface Load {
  readonly memoryMiB: number;
  /** MiB per second; 0 = it looks at the clock, and no more. */
  readonly writing: number;
}

/** Runs `berth` against the cluster. */
export type Berth = (words: readonly string[], options?: RunOptions) => Promise<unknown>;

export const berthOf =
  (command: string, env: Readonly<Record<string, string>>): Berth =>
  (words, options = {}) =>
    run(command, words, { timeoutMs: 180_000, ...options, env });

const START: Readonly<Record<Image, (words: string) => string>> = {
  busybox: words => `echo '::respawn:${words}' >>/etc/inittab && kill -HUP 1`,
  debian: words =>
    `printf '[Service]\\nExecStart=${words}\\n' >/etc/systemd/system/load.service && systemctl daemon-reload && systemctl start load`,
};

/** @returns its IPv4 address */
export async function launchGuest(
  { api, berth, program }: { readonly api: Client; readonly berth: Berth; readonly program: string },
  name: string,
  image: Image,
  { memoryMiB, writing }: Load,
): Promise<string> {
  await berth(['launch', image, name, '--target', 'n1']);
  const input = await readFile(program);
  await berth(['exec', name, '--', 'sh', '-c', 'cat >/usr/bin/load && chmod +x /usr/bin/load'], { input });
  await berth(['exec', name, '--', 'sh', '-c', START[image](`/usr/bin/load 7 ${memoryMiB} ${writing}`)]);
  const { network } = await api.get<State>(at`instances/${name}/state`);
  const found = Object.values(network)
    .flatMap(({ addresses }) => addresses)
    .find(({ family, scope }) => family === 'inet' && scope === 'global');
  if (found === undefined) throw new Error(`${name} has no address`);
  return found.address;
}

interface State {
  readonly network: Readonly<Record<string, { readonly addresses: readonly Address[] }>>;
}
interface Address {
  readonly family: string;
  readonly scope: string;
  readonly address: string;
}
