/** Clients that open a new connection for each question, while the instance that answers moves. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../kit/clock.ts';
import { run } from '../command.ts';
import { quiesce } from '../nic/quiesce.ts';
import { inOwnHost } from '../testing/own-host.ts';
import { Moving } from './testing/moving.ts';

const PREFIX = process.env.BERTH_OWN_HOST ?? `berth-test-new-${process.pid}`;
await inOwnHost(import.meta.url, PREFIX);

/** A client asks again after 1, 3 and 7 s when nobody answered. */
const ANSWER_MS = 10_000;
const PORT = 80;
const SERVER = `::respawn:/bin/busybox httpd -f -p ${PORT} -h /tmp\n`;
const EVERY_MS = 5;

interface Answers {
  readonly asked: number;
  readonly errors: readonly string[];
}

for (const [family, subnet, ipv6] of [
  ['IPv4', '198.18.228', undefined],
  ['IPv6', '198.18.229', 'fd45::50'],
] as const) {
  describe(`new connections by ${family} during moves`, () => {
    let moving: Moving;

    before(async () => {
      moving = await Moving.open({ prefix: `${PREFIX}/${family}`, subnet, inittab: SERVER, ...(ipv6 && { ipv6 }) });
    });
    after(async () => {
      await moving?.close();
      await run('ip', ['link', 'del', 'segment']);
    });
    afterEach(() => moving.abortLeftOver());

    it('are all answered, whenever they come', { timeout: 90_000 }, async t => {
      const { a, b } = moving;
      const { asked, errors } = await whileAsked(moving.address, async () => {
        for (let count = 0; count < 6; count += 1) {
          const [from, to] = count % 2 === 0 ? [a, b] : [b, a];
          await moving.handOver(from, to, `new${count}`);
          await moving.commit(from, `new${count}`);
          await sleep(200);
        }
      });
      t.diagnostic(`${asked} asked`);
      assert.deepEqual(errors, []);
      assert.ok(asked > 300, `only ${asked} asked`);
    });

    it('come again at once when it stays where it was, and nothing of the rules is left', async () => {
      const { a, b } = moving;
      const target = await moving.prepare(a, b, 'stays');
      await a.client.freezeMove({ ref: moving.ref('source', 'stays'), target });
      await moving.abort(a, b, 'stays');
      assert.ok((await askMs(moving.address)) < 900, 'no question had to be asked twice');
      assert.equal(await rulesIn(moving), '');
    });

    it('are kept away for some seconds only, if nobody lives to let them in', { timeout: 30_000 }, async () => {
      await quiesce(await pidOf(moving), systemClock);
      assert.match(await rulesIn(moving), /drop/);
      assert.ok((await askMs(moving.address)) > 900, 'asked again');
    });
  });
}

async function pidOf({ a, id }: Moving): Promise<number> {
  const { stdout } = await a.run('lxc-info', '-P', join(a.data, 'lxc'), '-n', id, '-pH');
  return Number(stdout);
}

async function rulesIn(moving: Moving): Promise<string> {
  return (await run('nsenter', ['-t', `${await pidOf(moving)}`, '-n', 'nft', 'list', 'ruleset'])).stdout;
}

/** Asks every 5 ms, each time on a new connection, while `work` is done. */
async function whileAsked(address: string, work: () => Promise<void>): Promise<Answers> {
  const pending: Promise<unknown>[] = [];
  const errors: string[] = [];
  const timer = setInterval(() => {
    pending.push(askMs(address).catch((error: Error) => errors.push(error.message)));
  }, EVERY_MS);
  try {
    await sleep(300);
    await work();
    await sleep(300);
  } finally {
    clearInterval(timer);
    await Promise.all(pending);
  }
  return { asked: pending.length, errors };
}

/** One question to the web server. @returns how long the answer took */
function askMs(address: string): Promise<number> {
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port: PORT }, () => socket.write('GET / HTTP/1.0\r\n\r\n'));
    const fail = (error: Error) => {
      socket.destroy();
      reject(new Error(`${error.message} after ${Math.round(performance.now() - begun)} ms`));
    };
    socket.setTimeout(ANSWER_MS, () => fail(new Error('no answer')));
    socket.once('error', fail).once('end', () => fail(new Error('closed')));
    socket.once('data', () => {
      socket.destroy();
      resolve(performance.now() - begun);
    });
  });
}
