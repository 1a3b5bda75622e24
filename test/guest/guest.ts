/**
 * What the cases work on, in the guest: one instance, on one of two hosts with real agents, which holds memory that it knows
 * and writes to other memory all the time. A case finds it on `at`, and may leave it on either.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertUnbroken, criu, drain, Moving } from '../../src/agent/move/testing/moving.ts';
import type { TestHost } from '../../src/agent/move/testing/two-hosts.ts';
import type { LiveMode } from '../../src/domain/move-mode.ts';

export const MEMORY_MIB = 32;
const LIMIT_MIB = 256;
/**
 * Holds known memory, and tells the checksum of when it was filled, and that of now, when /tmp/enough is written to: `tail` keeps
 * what it reads until that ends. Then it begins anew.
 */
const HOLD = `#!/bin/sh
cd /tmp
[ -p enough ] || busybox mkfifo enough
while :; do
  rm -f held
  head -c ${MEMORY_MIB}m /dev/urandom >data
  busybox md5sum <data >sums.new
  { cat data; rm data; : >held; read -r _ <enough; } | busybox tail -c ${MEMORY_MIB}m | busybox md5sum >>sums.new
  mv sums.new sums
done
`;
/** Writes to its memory all the time, the same in two places, and tells how often both were compared, or that they differ. */
const CHANGE = `#!/bin/sh
exec busybox awk 'BEGIN {
  for (pass = 1; ; pass++) {
    for (i = 0; i < 1000; i++) { a[i] = pass * i; b[i] = pass * i }
    system("sleep 0.3")
    for (i = 0; i < 1000; i++) if (a[i] != b[i] || a[i] != pass * i) { print "differs" >"/tmp/pass"; exit }
    print pass >"/tmp/pass"; close("/tmp/pass")
  }
}'
`;

/** In the emulator, the first one, on a busy machine. */
const LONGEST_PAUSE_MS = 15_000;

export interface Moved {
  readonly rounds: Moving['rounds'];
  readonly phases: readonly object[];
  /** What the client waited for longest. */
  readonly longestMs: number;
}

export class Guest {
  readonly moving: Moving;
  at: TestHost;
  other: TestHost;
  #names = 0;

  private constructor(moving: Moving) {
    this.moving = moving;
    this.at = moving.a;
    this.other = moving.b;
  }

  static async open(): Promise<Guest> {
    execFileSync(criu, ['--version']); // read once, it starts in time
    const moving = await Moving.open({
      prefix: 'guest',
      subnet: '198.18.241',
      memory: `${LIMIT_MIB}MiB`,
      inittab: '::respawn:/bin/hold\n::respawn:/bin/change\n',
      programs: { hold: HOLD, change: CHANGE },
    });
    const guest = new Guest(moving);
    await guest.#untilFilled();
    return guest;
  }

  close(): Promise<void> {
    return this.moving.close();
  }

  /** What a shell says in it. */
  inside(script: string): Promise<string> {
    return this.moving.inside(this.at, script);
  }

  /** A name for one more move. */
  newName(): string {
    this.#names += 1;
    return `move-${this.#names}`;
  }

  /** To the other host, under a client, until nothing of it is left on the first. */
  async move(mode: LiveMode, name = this.newName()): Promise<Moved> {
    const { moving, at, other } = this;
    let phases: object[] = [];
    const echoes = await this.#connected(async () => {
      phases = await moving.handOver(at, other, name, mode);
      if (mode === 'post-copy') await moving.untilAllHere(at, other, name);
      await moving.commit(at, name);
      [this.at, this.other] = [other, at];
    }, LONGEST_PAUSE_MS);
    assertUnbroken(echoes);
    await moving.assertNothingOn(at);
    await this.assertWhole();
    return { rounds: [...moving.rounds], phases, longestMs: echoes.longestMs };
  }

  /** Under a client, whatever happens to it stays where it is, and nothing of that is on the other host in the end. */
  async stays(name: string, work: () => Promise<void>): Promise<void> {
    const { moving, at, other } = this;
    const echoes = await this.#connected(async () => {
      await work();
      await moving.abort(at, other, name);
    });
    assertUnbroken(echoes);
    await moving.assertNothingOn(other);
    await this.assertWhole();
  }

  /** After a pause TCP tries again no sooner than the pause was long. */
  #connected(work: () => Promise<void>, longestPauseMs = 0) {
    return this.moving.connected(async () => {
      const begun = Date.now();
      await work();
      await sleep(Math.min(longestPauseMs, Date.now() - begun));
    });
  }

  /** Where it is it runs, within its limit, and has compared its memory again since. */
  async assertWhole(): Promise<void> {
    const { moving, at } = this;
    assert.equal(await moving.stateOn(at), 'running');
    const limit = join('/sys/fs/cgroup', at.cgroupPrefix, `lxc.payload.${moving.id}`, 'memory.max');
    assert.equal(readFileSync(limit, 'utf8').trim(), `${LIMIT_MIB << 20}`);
    const pass = async () => (await this.inside('cat /tmp/pass')).trim();
    const seen = await pass();
    for (let now = seen; now === seen; now = await pass()) {
      assert.match(now, /^\d*$/); // nothing while it is being written
      await sleep(50);
    }
  }

  /** The memory that it holds has the checksum that it had when it was filled; it is filled anew then. */
  async assertSameMemory(): Promise<void> {
    const said = await this.inside('cd /tmp; echo >enough; until [ -s sums ]; do sleep 0.1; done; cat sums; rm sums');
    const [before, now] = said.split('\n').map(line => line.slice(0, 32));
    assert.match(before ?? '', /^[0-9a-f]{32}$/);
    assert.equal(now, before);
    await this.#untilFilled();
  }

  async #untilFilled(): Promise<void> {
    await this.inside('until [ -e /tmp/held ] && [ -s /tmp/pass ]; do sleep 0.1; done');
  }

  /**
   * One more round of a move; `ended` tells the error, if there was one. Returns when CRIU has begun.
   * @param signal of the caller who goes away
   */
  async beginRound(name: string, signal?: AbortSignal): Promise<{ readonly ended: Promise<string | undefined> }> {
    const { moving, at, other } = this;
    const ref = moving.ref('target', name);
    const order = { ref, spec: moving.spec(moving.generation + 1n), live: true, mode: 'pre-copy', sourceDriver: 'dir' };
    const target = await other.client.prepareMove(order);
    const request = { ref: moving.ref('source', name), target, mode: 'pre-copy' };
    const ended = drain(at.client.syncMove(request, signal && { signal })).then(
      () => undefined,
      (thrown: Error) => thrown.message,
    );
    const begun = at.path(join(at.data, 'moves', `${name}.${moving.id}.source`, 'before/new/pre-dump.log'));
    while (!existsSync(begun)) await sleep(1);
    return { ended };
  }
}
