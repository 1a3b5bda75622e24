/** The cluster's etcd: one member or three, on the loopback address, each a process of its own. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Layout } from './layout.ts';
import { isAlive, type ProcessId, startDaemon } from './process.ts';
import { until } from './until.ts';

export interface EtcdOptions {
  readonly layout: Layout;
  readonly members: number;
  /** Holds one data folder a member. */
  readonly dir: string;
  readonly logDir: string;
}

export function etcdEndpoints(options: EtcdOptions): readonly string[] {
  return memberIndexes(options).map(member => `http://127.0.0.1:${options.layout.etcdPorts(member).client}`);
}

/** Starts member 0, 1 or 2; one that was killed goes on with its data. */
export async function startMember(options: EtcdOptions, member: number): Promise<ProcessId> {
  const dataDir = join(options.dir, memberName(member));
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  return startDaemon(['etcd', ...memberArguments(options, member, dataDir)], {
    slot: options.layout.slot,
    logFile: logOf(options, member),
  });
}

/** Resolves when the member answers that it and the cluster are healthy (a leader is elected). */
export async function memberReady(options: EtcdOptions, member: number, id: ProcessId): Promise<void> {
  const url = `${etcdEndpoints(options)[member]}/health`;
  await until(`etcd member ${memberName(member)}`, 10_000, async () => {
    if (!isAlive(id)) throw new Error(`etcd ended; see ${logOf(options, member)}`);
    const answer = await fetch(url, { signal: AbortSignal.timeout(1000) }).catch(() => undefined);
    return answer?.ok ? true : undefined;
  });
}

function memberArguments(options: EtcdOptions, member: number, dataDir: string): readonly string[] {
  const peerUrl = (each: number) => `http://127.0.0.1:${options.layout.etcdPorts(each).peer}`;
  const clientUrl = etcdEndpoints(options)[member]!;
  return [
    ...['--name', memberName(member), '--data-dir', dataDir, '--logger', 'zap', '--log-level', 'warn'],
    ...['--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl],
    ...['--listen-peer-urls', peerUrl(member), '--initial-advertise-peer-urls', peerUrl(member)],
    ...[
      '--initial-cluster',
      memberIndexes(options)
        .map(each => `${memberName(each)}=${peerUrl(each)}`)
        .join(','),
    ],
    // on one machine a heartbeat takes no time; a dead leader is replaced within a second
    ...['--heartbeat-interval', '50', '--election-timeout', '500'],
  ];
}

function memberIndexes(options: EtcdOptions): readonly number[] {
  return Array.from({ length: options.members }, (_, member) => member);
}

function memberName(member: number): string {
  return `e${member + 1}`;
}

function logOf(options: EtcdOptions, member: number): string {
  return join(options.logDir, `etcd-${memberName(member)}.log`);
}
