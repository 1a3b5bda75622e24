/** What is done to a cluster in the middle of a move, from outside: every fault, when, and what it costs by itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LiveMode } from '../../src/domain/move-mode.ts';
import {
  cutLink,
  fillImages,
  fillPool,
  killAgent,
  killController,
  type Strike,
  signalTo,
  slowLink,
  stopEtcd,
  unplug,
} from './strikes.ts';

export interface Fault {
  readonly name: string;
  readonly strike: Strike;
  /** Moments at which it is tried: those of them that the mode has. */
  readonly at: 'every' | readonly string[];
  /** What the fault itself takes, whoever carries out the move. Absent: client, processes and memory go on. */
  readonly price?: string;
  /** Of this mode only. */
  readonly mode?: LiveMode;
}

/** Shorter than `cluster.offline_threshold`, and longer than most timeouts of a call. */
const OUTAGE_MS = 5000;
const BLINK_MS = 2000;
/** Longer than that threshold. */
const LONG_MS = 15_000;

const DIES = 'a container dies with its monitor';
const INSIDE = 'its code is inside the processes while it saves them: they may die with it; started anew, and said';
const LET_GO = 'killed while it lets the processes go, it takes them along: started anew, and said';
const LOST = 'what runs already dies with its missing memory: started anew, and said';
const CRIU = (verb: string) => new RegExp(`^(?!\\S*sh ).*criu ${verb} `);

/** While the dump of the source lives: until it is committed. */
const DUMP = [
  ...['source: freeze', 'source: network-lock', 'source: verdict', 'target: restore', 'target: pages'],
  ...['target: setup-namespaces', 'target: verdict', 'switch', 'resume', 'target: network-unlock'],
  ...['target: post-resume', 'memory', 'target: pages-here', 'commit'],
];
const from = (first: string, last: string): readonly string[] =>
  DUMP.slice(DUMP.indexOf(first), DUMP.indexOf(last) + 1);
/** While CRIU is at work on the target. */
const RESTORE = from('target: restore', 'target: network-unlock');
const PAGES = from('target: pages', 'memory');
/** One of each: running, being dumped, held on both sides, let go, running with memory to come, running. */
const PHASES = ['sync', 'source: verdict', 'target: verdict', 'switch', 'resume', 'target: post-resume', 'memory'];
/** For what takes long: before, in, at the end of the pause, and in the tail. */
const LONG = ['sync', 'source: verdict', 'resume', 'memory'];

export const FAULTS: readonly Fault[] = [
  { name: 'source agent killed', strike: killAgent('source'), at: 'every' },
  { name: 'target agent killed', strike: killAgent('target'), at: 'every' },
  { name: 'controller killed', strike: killController, at: 'every' },
  { name: 'CRIU of the dump killed', at: DUMP, strike: signalTo('source', CRIU('dump')), price: INSIDE },
  { name: 'CRIU of the restore killed', at: RESTORE, strike: signalTo('target', CRIU('restore')), price: LET_GO },
  {
    name: 'lxc-checkpoint of the dump killed',
    at: ['source: freeze', ...PHASES.slice(1), 'commit'],
    strike: signalTo('source', /^lxc-checkpoint /),
  },
  {
    name: 'lxc-checkpoint of the restore killed',
    at: ['sync', 'target: restore', 'target: verdict', 'switch', 'resume'],
    strike: signalTo('target', /^lxc-checkpoint /),
    price: LET_GO,
  },
  {
    name: 'page daemon killed',
    at: PAGES,
    strike: signalTo('target', CRIU('lazy-pages')),
    mode: 'post-copy',
    price: LOST,
  },
  {
    name: 'pager killed',
    at: PAGES,
    strike: signalTo('target', /pages\/main\.ts /),
    mode: 'post-copy',
    price: LOST,
  },
  {
    name: 'LXC monitor of the source killed',
    at: ['sync', 'switch-over', ...DUMP],
    strike: signalTo('source', /^\[lxc monitor\]/),
    price: DIES,
  },
  {
    name: 'LXC monitor of the target killed',
    at: ['target: post-resume', 'memory', 'target: pages-here', 'commit', 'clean'],
    strike: signalTo('target', /^\[lxc monitor\]/),
    price: DIES,
  },
  {
    name: 'link between the hosts cut for 2 s',
    at: [...PHASES, 'source: network-lock', 'commit'],
    strike: cutLink(BLINK_MS),
  },
  { name: 'link between the hosts cut for 15 s', at: LONG, strike: cutLink(LONG_MS) },
  { name: 'source cut off for 5 s', at: PHASES, strike: unplug('source', () => sleep(OUTAGE_MS)) },
  { name: 'target cut off for 5 s', at: PHASES, strike: unplug('target', () => sleep(OUTAGE_MS)) },
  { name: 'source lost', at: [...LONG, 'commit'], strike: unplug('source', ({ over }) => over), price: LOST },
  { name: 'target lost', at: [...LONG, 'switch'], strike: unplug('target', ({ over }) => over) },
  { name: 'link slowed down to 8 Mbit/s', at: [...LONG, 'source: network-lock'], strike: slowLink('8mbit', OUTAGE_MS) },
  { name: 'pool of the target full', at: ['prepare', 'sync', 'source: verdict', 'resume'], strike: fillPool },
  {
    name: 'no room for images on the source',
    at: ['sync', 'source: network-lock', 'source: verdict'],
    strike: fillImages('source'),
  },
  {
    name: 'no room for images on the target',
    at: ['sync', 'source: verdict', 'target: restore', 'resume', 'memory'],
    strike: fillImages('target'),
  },
  { name: 'etcd stopped for 5 s', at: PHASES, strike: stopEtcd(OUTAGE_MS) },
  {
    name: 'CRIU of the dump hangs',
    at: ['source: freeze', 'source: network-lock', 'source: verdict'],
    strike: signalTo('source', CRIU('dump'), 'SIGSTOP'),
    price: INSIDE,
  },
  {
    name: 'CRIU of the restore hangs',
    at: ['target: restore', 'target: setup-namespaces', 'target: verdict', 'resume'],
    strike: signalTo('target', CRIU('restore'), 'SIGSTOP'),
    price: LET_GO,
  },
];

/** For an order: a run that is ended early has seen what tells most. */
export function urgency(moment: string): number {
  const at = ['target: verdict', 'target: post-resume', ...LONG, 'target: restore', 'switch'].indexOf(moment);
  return at < 0 ? DUMP.length : at;
}

/** Is this fault to be tried at the moment of this name? */
export function isTriedAt({ at }: Fault, moment: string): boolean {
  return at === 'every' || at.includes(moment);
}
