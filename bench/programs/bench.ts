/**
 * What moves: each program in an instance of its own, with a client connected from outside, moved back and forth between two
 * hosts by stop-and-copy and by post-copy. Prints the table of docs/migration.md. Images come from Debian's archive, once.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildBusyboxImage } from '../../deploy/images/busybox.ts';
import { cachedDebianImage } from '../../deploy/images/cached-debian.ts';
import { CLIENT } from '../../deploy/local-cluster/cluster.ts';
import { startCluster } from '../../deploy/local-cluster/start-cluster.ts';
import { type RunOptions, run } from '../../src/agent/command.ts';
import type { Findings, Options } from '../report.ts';
import { startClient } from './moving-client.ts';
import { PROGRAMS, type Program } from './programs.ts';
import type { ProgramRow } from './table.ts';
import { programTable } from './table.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** Each direction by each mode. */
const MODES = ['stop-and-copy', 'post-copy', 'post-copy', 'stop-and-copy'] as const;
const IPV6 = { client: 'fd42::1/64', instance: 'fd42::5' };

export async function bench({ quick, only, say }: Options): Promise<Findings> {
  const dir = join(ROOT, 'var/bench-programs');
  const chosen = PROGRAMS.filter(({ name }) => only.split(',').some(part => name.includes(part)));
  const cluster = await startCluster({ dir, hosts: 2, say });
  const interrupt = () => void cluster.stop().finally(() => process.exit(130));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  // A remote that this machine's user has switched to must not be what is measured.
  const env = { BERTH_SOCKET: cluster.socketPath, BERTH_CONF: join(dir, 'config.yml') };
  const berth = async (words: readonly string[], options: RunOptions = {}) =>
    (await run(join(ROOT, 'bin/berth'), words, { timeoutMs: 180_000, ...options, env })).stdout.trim();
  const inside = (name: string, script: string) => berth(['exec', name, '--', 'sh', '-ec', script]);
  const known = new Set<string>();

  try {
    await cluster.exec(CLIENT, ['ip', '-6', 'addr', 'add', IPV6.client, 'dev', 'eth0', 'nodad']);
    const rows: ProgramRow[] = [];
    for (const [index, program] of chosen.entries()) {
      say(`${program.name} (${index + 1} of ${chosen.length})`);
      const row = await moved(program, `p${index}`);
      say(`  ${row.failure || `pauses of ${row.pausesMs.map(Math.round).join(', ')} ms`}`);
      rows.push(row);
    }
    return { rows, table: programTable(rows) };
  } finally {
    await cluster.stop();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }

  async function moved(program: Program, name: string): Promise<ProgramRow> {
    const pausesMs: number[] = [];
    const about = {
      program: program.name,
      image: program.packages === undefined ? 'busybox' : 'Debian 12, systemd',
    };
    let version = '';
    try {
      await launch(program, name);
      version = await inside(name, program.version);
      const remark = await move(program, name, pausesMs);
      return { ...about, version, pausesMs, moves: pausesMs.length, failure: '', remark };
    } catch (error) {
      const failure = (error as Error).message.replace(/\s+/g, ' ');
      return { ...about, version, pausesMs, moves: pausesMs.length, failure, remark: program.remark ?? '' };
    } finally {
      for (const each of [name, `${name}-peer`]) await berth(['delete', '-f', each]).catch(() => {});
    }
  }

  async function launch({ packages, files = [], ipv6, setUp, talk }: Program, name: string): Promise<void> {
    const image = await imported(packages);
    const nic = ipv6 ? ['-d', `eth0,ipv6.address=${IPV6.instance}`] : [];
    await berth(['launch', image, name, '--target', 'n1', ...nic]);
    if (talk?.[0] === 'shell') await berth(['launch', image, `${name}-peer`, '--target', 'n1']);
    if (packages !== undefined)
      await inside(
        name,
        'until [ -S /run/dbus/system_bus_socket ]; do sleep 0.1; done; systemctl is-system-running --wait',
      );
    for (const file of files) {
      const input = readFileSync(join(import.meta.dirname, 'guests', file));
      await berth(['exec', name, '--', 'sh', '-c', `cat >/root/${file}`], { input });
    }
    await inside(name, setUp);
  }

  /** Its image, by alias. */
  async function imported(packages: readonly string[] | undefined): Promise<string> {
    const alias = packages === undefined ? 'busybox' : ['debian', ...packages].join('-');
    if (known.has(alias)) return alias;
    const busybox = join(dir, 'busybox.tar.gz');
    if (packages === undefined) await buildBusyboxImage(busybox);
    const file = packages === undefined ? busybox : await cachedDebianImage({ include: packages }, say);
    await berth(['image', 'import', file, '--alias', alias]);
    known.add(alias);
    return alias;
  }

  /** @param pauses is added to as it goes @returns a remark */
  async function move(program: Program, name: string, pauses: number[]): Promise<string> {
    const address = program.ipv6 ? IPV6.instance : await addressOf(name);
    const ssh = ['exec', `${name}-peer`, '--', 'ssh', '-tt', '-o', 'StrictHostKeyChecking=no', `root@${address}`];
    const command = [join(ROOT, 'bin/berth'), ...ssh];
    const client = program.talk && (await startClient(cluster, program.talk, address, command, env));
    try {
      for (let count = 0; count < (quick ? 2 : 6); count += 1) {
        await client?.longestMs();
        const mode = MODES[count % MODES.length]!;
        await berth(['move', name, '--target', count % 2 === 0 ? 'n2' : 'n1', '--mode', mode]);
        pauses.push((await client?.longestMs()) ?? (await saidPause(name)));
      }
      const said = (await client?.end()) ?? 'no client: as Berth says';
      if (program.after !== undefined) await inside(name, program.after);
      return [said, program.remark].filter(Boolean).join('; ');
    } finally {
      client?.kill();
    }
  }

  async function addressOf(name: string): Promise<string> {
    return (await berth(['list', name, '--format', 'csv', '-c', '4'])).split(' ')[0]!;
  }

  /** What Berth says of its last move, for nobody else was there. */
  async function saidPause(name: string): Promise<number> {
    interface Operation {
      readonly created_at: string;
      readonly resources: { readonly instances?: readonly string[] };
      readonly metadata: { readonly 'berth.pause_ms'?: number } | null;
    }
    const all = JSON.parse(await berth(['operation', 'list', '--format', 'json'])) as readonly Operation[];
    return all
      .filter(({ resources }) => resources.instances?.some(path => path.endsWith(`/${name}`)))
      .sort((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at))
      .map(({ metadata }) => metadata?.['berth.pause_ms'])
      .findLast(ms => ms !== undefined)!;
  }
}
