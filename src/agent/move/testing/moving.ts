/**
 * One instance on one of two hosts with real agents, and the verbs of a move as the saga calls them, without a store. For
 * tests that run `inOwnHost`.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { LiveMode } from '../../../domain/move-mode.ts';
import { anotherRoundPays, type MoveRound, type Shipped } from '../../../domain/move-rounds.ts';
import { makeAuthority } from '../../../kit/certificates.ts';
import type {
  DataToken,
  InstanceSpecSchema,
  MoveTimings,
  PagesProgress,
  Progress,
  SyncMoveRequestSchema,
} from '../../../rpc/gen/berth/agent/v1/agent_pb.ts';
import { locateCriu } from '../../criu/locate.ts';
import { makeBusyboxRoot } from '../../testing/busybox-root.ts';
import { makeHost, makeSegment, type TestHost } from './two-hosts.ts';

const ECHO_CLIENT = resolve(import.meta.dirname, '../../../../deploy/demo/echo-client.ts');
export const criu = locateCriu(process.env.BERTH_CRIU) ?? assert.fail('no CRIU on this host: run the host set-up');

export interface MovingOptions {
  /** Of network namespace, cgroups and folders. */
  readonly prefix: string;
  /** The first three numbers of the segment's addresses. */
  readonly subnet: string;
  readonly memory?: string;
  /** Its only address; absent: one of the subnet. */
  readonly ipv6?: string;
  /** Lines of its inittab besides the echo server on port 7, and programs by their names in /bin. */
  readonly inittab?: string;
  readonly programs?: Readonly<Record<string, string>>;
}

/** As the saga's; an emulator needs it. */
const PATIENCE = { timeoutMs: 600_000 };
/** It stops by itself then, which must not be in the middle of a move. */
const CLIENT_S = '600';

interface Round extends MoveRound {
  readonly memory?: (Shipped & { readonly pauseMs: number }) | undefined;
}

export class Moving {
  readonly id = '22222222-2222-4222-8222-222222222222';
  readonly folder: string;
  readonly a: TestHost;
  readonly b: TestHost;
  readonly #options: MovingOptions;
  generation = 1n;
  /** Of the last move that was prepared. */
  readonly rounds: Round[] = [];
  /** What a test that fails leaves standing still is taken back before the next one. */
  #underWay: readonly [from: TestHost, to: TestHost, name: string] | undefined;

  private constructor(options: MovingOptions, folder: string, a: TestHost, b: TestHost) {
    this.#options = options;
    this.folder = folder;
    this.a = a;
    this.b = b;
  }

  /** The instance runs on `a`. */
  static async open(options: MovingOptions): Promise<Moving> {
    const { prefix, subnet } = options;
    const folder = await mkdtemp(join(tmpdir(), 'berth-move-'));
    await chmod(folder, 0o711);
    await makeSegment(`${subnet}.1`, options.ipv6 === undefined ? [] : [options.ipv6.replace(/::.*/, '::1')]);
    const authority = await makeAuthority('test');
    const host = (name: string, address: string) =>
      makeHost({ name, address, data: join(folder, name), cgroupPrefix: `${prefix}/${name}`, authority });
    const [a, b] = [await host('a', `${subnet}.11`), await host('b', `${subnet}.12`)];
    const moving = new Moving(options, folder, a, b);
    try {
      for (const each of [a, b]) {
        await each.start(criu);
        await each.client.ensurePool({ name: 'default', driver: 'dir' });
      }
      await moving.#launch(a);
      return moving;
    } catch (error) {
      await moving.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    for (const host of [this.a, this.b]) await host.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  get address(): string {
    return this.#options.ipv6 ?? `${this.#options.subnet}.50`;
  }

  spec(generation = this.generation): MessageInitShape<typeof InstanceSpecSchema> {
    return {
      id: this.id,
      generation,
      name: 'c1',
      project: 'default',
      config: {
        'limits.memory': this.#options.memory ?? '64MiB',
        'limits.cpu': '1',
        'volatile.eth0.hwaddr': '00:16:3e:00:00:02',
        ...(this.#options.ipv6 === undefined
          ? { 'volatile.eth0.ipv4.address': this.address, 'volatile.eth0.ipv4.prefix': '24' }
          : { 'volatile.eth0.ipv6.address': this.address, 'volatile.eth0.ipv6.prefix': '64' }),
      },
      devices: {
        root: { options: { type: 'disk', path: '/', pool: 'default' } },
        eth0: { options: { type: 'nic', name: 'eth0' } },
      },
    };
  }

  ref(role: 'source' | 'target', move: string) {
    return { move, instance: this.id, generation: this.generation + 1n, role };
  }

  async stateOn({ client }: TestHost, generation = this.generation): Promise<string | undefined> {
    return (await client.getInstanceState({ id: this.id, generation })).status?.state;
  }

  async #launch({ client, data, path }: TestHost): Promise<void> {
    const { inittab = '', programs = {} } = this.#options;
    await drain(client.ensureInstance({ spec: this.spec() }));
    const rootfs = path(join(data, 'pools/default/instances', this.id, 'rootfs'));
    await makeBusyboxRoot(rootfs, 1_000_000);
    const server = '::sysinit:/bin/true\n::respawn:/bin/nc -ll -p 7 -e /bin/cat\n';
    await writeFile(join(rootfs, 'etc/inittab'), `${server}${inittab}`);
    for (const [name, text] of Object.entries(programs))
      await writeFile(join(rootfs, 'bin', name), text, { mode: 0o755 });
    await this.startOn(client);
  }

  async startOn(client: TestHost['client']): Promise<void> {
    await client.ensureState({ ref: { id: this.id, generation: this.generation }, state: 'running' });
    while (!(await this.#answers())) await sleep(10);
  }

  /** Everything before the freeze; of a pre-copy as many rounds as the saga would ask for. */
  async prepare(from: TestHost, to: TestHost, name: string, mode: LiveMode = 'stop-and-copy'): Promise<DataToken> {
    const ref = this.ref('target', name);
    this.#underWay = [from, to, name];
    const spec = this.spec(this.generation + 1n);
    this.rounds.splice(0);
    for (;;) {
      const target = await to.client.prepareMove({ ref, spec, live: true, mode, sourceDriver: 'dir' }, PATIENCE);
      this.rounds.push(await this.#round(from, { ref: this.ref('source', name), target, mode }));
      if (mode !== 'pre-copy' || !anotherRoundPays(this.rounds)) return target;
    }
  }

  async #round(from: TestHost, request: MessageInitShape<typeof SyncMoveRequestSchema>): Promise<Round> {
    let last: Progress | undefined;
    for await (const message of from.client.syncMove(request)) last = message;
    const shipped = ({ bytes, ms }: { bytes: bigint; ms: number }) => ({ bytes: Number(bytes), ms });
    const { memory } = last!;
    return { volume: shipped(last!), memory: memory && { ...shipped(memory), pauseMs: memory.pauseMs } };
  }

  /** Until it runs on the target. @returns the times of the phases, and of the freeze what was sent */
  async handOver(from: TestHost, to: TestHost, name: string, mode: LiveMode = 'stop-and-copy'): Promise<object[]> {
    const target = await this.prepare(from, to, name, mode);
    const [freeze, restore] = await Promise.all([
      from.client.freezeMove({ ref: this.ref('source', name), target, mode }, PATIENCE),
      to.client.awaitMove(this.ref('target', name), PATIENCE),
    ]);
    const timings: MoveTimings[] = [freeze, restore, await to.client.resumeMove(this.ref('target', name), PATIENCE)];
    const sent = Object.entries(freeze.bytes).map(([what, bytes]) => [what, Number(bytes)]);
    return [...timings.map(({ ms }) => ms), { bytes: Object.fromEntries(sent) }];
  }

  /** Post-copy, as the saga does it. @returns how it ended, and how often the source had to be asked for another way to it */
  async untilAllHere(from: TestHost, to: TestHost, name: string): Promise<PagesProgress & { readonly cuts: number }> {
    let source: DataToken | undefined;
    for (let cuts = 0; ; ) {
      const pages = await to.client.awaitPages(
        { ref: this.ref('target', name), ...(source ? { source } : {}) },
        PATIENCE,
      );
      source = undefined;
      if (pages.state === 'here' || pages.state === 'lost') return { ...pages, cuts };
      if (pages.state !== 'cut') continue;
      cuts += 1;
      source = await from.client.servePages(this.ref('source', name));
    }
  }

  /** Ends the source. */
  async commit(from: TestHost, name: string): Promise<void> {
    await from.client.commitMove(this.ref('source', name), PATIENCE);
    await from.client.ensureNoInstance({ ref: { id: this.id, generation: this.generation } });
    this.owned();
  }

  /** The target has it for good. */
  owned(): void {
    this.generation += 1n;
    this.#underWay = undefined;
  }

  async abort(from: TestHost, to: TestHost, name: string): Promise<void> {
    for (let twice = 0; twice < 2; twice += 1) {
      await from.client.abortMove(this.ref('source', name));
      await to.client.abortMove(this.ref('target', name));
    }
    this.#underWay = undefined;
  }

  async abortLeftOver(): Promise<void> {
    if (this.#underWay !== undefined) await this.abort(...this.#underWay).catch(() => {});
  }

  /** What a shell says in it. */
  async inside(host: TestHost, script: string): Promise<string> {
    const args = ['-P', join(host.data, 'lxc'), '-n', this.id, '--', 'sh', '-c', script];
    return (await host.run('lxc-attach', ...args)).stdout;
  }

  /** Nothing of it is on this host. */
  async assertNothingOn(host: TestHost): Promise<void> {
    const names = async (path: string) => (existsSync(path) ? await readdir(path) : []);
    const pool = join(host.data, 'pools/default');
    const cgroups = ['memory', 'unified'].map(hierarchy => join('/sys/fs/cgroup', hierarchy, host.cgroupPrefix));
    const found = {
      moves: await names(host.path(join(host.data, 'moves'))),
      lxc: await names(join(host.data, 'lxc')),
      volumes: [...(await names(join(pool, 'instances'))), ...(await names(join(pool, 'transfers')))],
      veths: (await names(host.path('/sys/class/net'))).filter(name => /^[vp][0-9a-f]{8}$/.test(name)),
      cgroups: (await Promise.all(cgroups.map(names))).flat().filter(name => name.includes(this.id)),
    };
    assert.deepEqual(found, { moves: [], lxc: [], volumes: [], veths: [], cgroups: [] });
  }

  /** A TCP client that asks every 2 ms while `work` is done. */
  async connected(work: () => Promise<void>): Promise<Echoes> {
    const args = [ECHO_CLIENT, this.address, '7', CLIENT_S];
    const client = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const said: string[] = [];
    const up = new Promise<void>(done => client.stdout.on('data', chunk => done(void said.push(String(chunk)))));
    const ended = new Promise(done => client.once('close', done));
    await up;
    try {
      await work();
      await sleep(300); // some more answers from where it is now
    } finally {
      client.stdin.end();
      await ended;
    }
    return JSON.parse(said.join('').trim().split('\n').at(-1)!) as Echoes;
  }

  /** Its echo server is up. */
  #answers(): Promise<boolean> {
    return new Promise(resolve => {
      const socket = connect({ host: this.address, port: 7 }, () => socket.end(() => resolve(true)));
      socket.on('error', () => resolve(false));
    });
  }
}

export interface Echoes {
  readonly lost: string | null;
  readonly corrupted: number;
  readonly sent: number;
  readonly answered: number;
  readonly longestMs: number;
}

export function assertUnbroken({ lost, corrupted, sent, answered }: Echoes): void {
  assert.deepEqual({ lost, corrupted, unanswered: sent - answered }, { lost: null, corrupted: 0, unanswered: 0 });
}

export async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}
