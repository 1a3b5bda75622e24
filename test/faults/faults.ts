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
  /** The moments at which it is tried; absent: at the telling ones. */
  readonly at?: 'every' | 'few' | 'coming';
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

export const FAULTS: readonly Fault[] = [
  { name: 'source agent killed', strike: killAgent('source'), at: 'every' },
  { name: 'target agent killed', strike: killAgent('target'), at: 'every' },
  { name: 'controller killed', strike: killController, at: 'every' },
  { name: 'CRIU of the dump killed', strike: signalTo('source', CRIU('dump')), price: INSIDE },
  { name: 'CRIU of the restore killed', strike: signalTo('target', CRIU('restore')), price: LET_GO },
  { name: 'lxc-checkpoint of the dump killed', strike: signalTo('source', /^lxc-checkpoint /) },
  { name: 'lxc-checkpoint of the restore killed', strike: signalTo('target', /^lxc-checkpoint /), price: LET_GO },
  {
    name: 'page daemon killed',
    strike: signalTo('target', CRIU('lazy-pages')),
    at: 'coming',
    mode: 'post-copy',
    price: LOST,
  },
  {
    name: 'pager killed',
    strike: signalTo('target', /pages\/main\.ts /),
    at: 'coming',
    mode: 'post-copy',
    price: LOST,
  },
  { name: 'LXC monitor of the source killed', strike: signalTo('source', /^\[lxc monitor\]/), price: DIES },
  { name: 'LXC monitor of the target killed', strike: signalTo('target', /^\[lxc monitor\]/), price: DIES },
  { name: 'link between the hosts cut for 2 s', strike: cutLink(BLINK_MS) },
  { name: 'link between the hosts cut for 15 s', strike: cutLink(LONG_MS), at: 'few' },
  { name: 'source cut off for 5 s', strike: unplug('source', () => sleep(OUTAGE_MS)) },
  { name: 'target cut off for 5 s', strike: unplug('target', () => sleep(OUTAGE_MS)) },
  { name: 'source lost', strike: unplug('source', ({ over }) => over), at: 'few', price: LOST },
  { name: 'target lost', strike: unplug('target', ({ over }) => over), at: 'few' },
  { name: 'link slowed down to 8 Mbit/s', strike: slowLink('8mbit', OUTAGE_MS), at: 'few' },
  { name: 'pool of the target full', strike: fillPool, at: 'few' },
  { name: 'no room for images on the source', strike: fillImages('source'), at: 'few' },
  { name: 'no room for images on the target', strike: fillImages('target'), at: 'few' },
  { name: 'etcd stopped for 5 s', strike: stopEtcd(OUTAGE_MS) },
  { name: 'CRIU of the dump hangs', strike: signalTo('source', CRIU('dump'), 'SIGSTOP'), at: 'few', price: INSIDE },
  {
    name: 'CRIU of the restore hangs',
    strike: signalTo('target', CRIU('restore'), 'SIGSTOP'),
    at: 'few',
    price: LET_GO,
  },
];

/** The most telling first. */
const FEW = ['source: verdict', 'resume', 'target: restore', 'switch', 'memory', 'source: network-lock', 'sync'];
const TELLING = ['target: verdict', 'target: post-resume', ...FEW, 'commit', 'switch-over', 'source: freeze'];
const COMING = [
  'target: pages',
  'target: setup-namespaces',
  ...TELLING,
  'target: network-unlock',
  'target: pages-here',
];

/** For an order: a run that is ended early has seen what tells most. */
export function urgency(moment: string): number {
  const at = TELLING.indexOf(moment);
  return at < 0 ? TELLING.length : at;
}

/** Is this fault to be tried at the moment of this name? */
export function isTriedAt({ at }: Fault, moment: string): boolean {
  if (at === 'every') return true;
  return (at === 'few' ? FEW : at === 'coming' ? COMING : TELLING).includes(moment);
}
