/** Is a node there, and what is worth writing about it: pure. */
import type { HostFacts, NodeStatusRecord } from '../../domain/node.ts';
import type { NodeNews } from './follow-node.ts';

export interface NodeTiming {
  readonly now: number;
  /** So long without a word, and it is offline. */
  readonly thresholdMs: number;
  /** When its status was last written. */
  readonly writtenAt: number;
}

/** Load and memory change all the time: they are worth a write every five seconds, everything else at once. */
const USAGE_PERIOD_MS = 5_000;

/** @returns what shall be stored, or undefined: what is stored is good enough, or nothing is known yet. */
export function nextNodeStatus(
  name: string,
  news: NodeNews,
  before: NodeStatusRecord | undefined,
  { now, thresholdMs, writtenAt }: NodeTiming,
): NodeStatusRecord | undefined {
  const silentMs = now - news.heardAt;
  const online = silentMs < thresholdMs;
  // A new leader believes the last one until it has waited as long itself.
  if (!news.reached && online) return undefined;
  const state = online ? 'online' : 'offline';
  const trouble = news.trouble === '' ? 'its agent says nothing' : news.trouble;
  const next: NodeStatusRecord = {
    name,
    state,
    detail: online ? '' : `no word for ${Math.round(thresholdMs / 1000)} s: ${trouble}`,
    since: before?.state === state ? before.since : now,
    bootId: news.bootId || (before?.bootId ?? ''),
    host: news.host ?? before?.host ?? UNKNOWN_HOST,
    pools: news.pools.length > 0 ? news.pools : (before?.pools ?? []),
    memoryUsedBytes: news.memoryUsedBytes,
    load1: news.load1,
  };
  if (before === undefined || JSON.stringify(calm(before)) !== JSON.stringify(calm(next))) return next;
  const due = now - writtenAt >= USAGE_PERIOD_MS;
  return online && due && JSON.stringify(before) !== JSON.stringify(next) ? next : undefined;
}

function calm(record: NodeStatusRecord): unknown {
  const pools = record.pools.map(({ usedBytes: _usedBytes, ...pool }) => pool);
  const { memoryUsedBytes: _memory, load1: _load, detail: _detail, ...rest } = record;
  return { ...rest, pools };
}

const UNKNOWN_HOST: HostFacts = {
  architecture: '',
  kernel: '',
  agentVersion: '',
  lxcVersion: '',
  dataAddress: '',
  cpus: 0,
  memoryBytes: 0,
  cgroupV2: false,
  networks: [],
  criu: { works: false, version: '', reason: 'its agent was never reached' },
  osName: '',
  osVersion: '',
  cpuModel: '',
  cpuFlags: [],
  idmapBase: 0,
  idmapSize: 0,
  lxcfs: false,
};
