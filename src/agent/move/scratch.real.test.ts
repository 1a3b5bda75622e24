import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inOwnHost } from '../testing/own-host.ts';
import { assertUnbroken, Moving } from './testing/moving.ts';
import type { TestHost } from './testing/two-hosts.ts';

const PREFIX = process.env.BERTH_OWN_HOST ?? `berth-test-pages-${process.pid}`;
await inOwnHost(import.meta.url, PREFIX);

const MEMORY_MIB = 96;
/**
 * `tail` keeps the last bytes of what it reads until that ends: so it holds known memory, and tells its checksum when
 * /tmp/enough is written to.
 */
const HOLD = `#!/bin/sh
cd /tmp
[ -p enough ] || busybox mkfifo enough
head -c ${MEMORY_MIB}M /dev/urandom >data
md5sum data | cut -c 1-32 >before
(cat data; rm data; : >held; read -r _ <enough) | busybox tail -c ${MEMORY_MIB}M | busybox md5sum | busybox cut -c 1-32 >after
exec sleep 100000
`.replaceAll(/(?<=^|\| )(md5sum|cut)/gm, 'busybox $1');

describe('a post-copy between two hosts', () => {
  let moving: Moving;
  let a: TestHost;
  let b: TestHost;

  before(async () => {
    moving = await Moving.open({
      prefix: PREFIX,
      subnet: '198.18.241',
      memory: '512MiB',
      inittab: '::respawn:/bin/hold\n',
      programs: { hold: HOLD },
    });
    ({ a, b } = moving);
    while ((await moving.inside(a, '[ -e /tmp/held ] && echo y || true')) === '') await sleep(50);
  });
  after(() => moving?.close());
  afterEach(() => moving.abortLeftOver());

  async function untilAllHere(to: TestHost, name: string) {
    for (;;) {
      const pages = await to.client.awaitPages({ ref: moving.ref('target', name) });
      if (pages.state !== 'coming') return pages;
    }
  }

  it('there and back: it runs before its memory has come, and all of it comes', { timeout: 60_000 }, async t => {
    const echoes = await moving.connected(async () => {
      for (const [from, to, name] of [
        [a, b, 'there'],
        [b, a, 'back'],
      ] as const) {
        const timings = await moving.handOver(from, to, name, 'post-copy');
        console.error((await from.run('sh','-c',`cd ${from.data}/moves/*; ls -la . images; cat at.*; grep -a -i pages images/dump.log | head -50`)).stdout); console.error((await to.run('sh','-c',`cd ${to.data}/moves/*; ls -la --time-style=full-iso . images; cat pager.log at.*; ps -ef|tail -20`)).stdout); console.error(await moving.inside(to,'busybox ps; cat /proc/[0-9]*/status | grep -E "Name|VmRSS"'));
        const pages = await untilAllHere(to, name);
        assert.equal(pages.state, 'here', pages.why);
        assert.ok(Number(pages.bytes) > (MEMORY_MIB << 20), `${pages.bytes} bytes came later`);
        t.diagnostic(JSON.stringify([...timings, { pages: pages.ms, bytes: Number(pages.bytes) }]));
        await moving.commit(from, name);
        await moving.assertNothingOn(from);
      }
    });
    t.diagnostic(JSON.stringify(echoes));
    assertUnbroken(echoes);
    await moving.inside(a, 'echo >/tmp/enough; while [ ! -s /tmp/after ]; do sleep 0.1; done');
    const [before, after] = (await moving.inside(a, 'cat /tmp/before /tmp/after')).trim().split('\n');
    assert.match(before!, /^[0-9a-f]{32}$/);
    assert.equal(after, before);
  });
});
