import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { run } from '../command.ts';
import { inOwnHost } from '../testing/own-host.ts';
import { Moving } from './testing/moving.ts';

const PREFIX = process.env.BERTH_OWN_HOST ?? `berth-test-announce-${process.pid}`;
await inOwnHost(import.meta.url, PREFIX);

/** Answers to a ping, one every 100 ms. */
const PINGS = 5;

describe('an idle instance with an IPv6 address only', () => {
  let moving: Moving;
  before(async () => {
    moving = await Moving.open({ prefix: PREFIX, subnet: '198.18.243', ipv6: 'fd00:198:18:243::50' });
  });
  after(() => moving?.close());

  const ping = (count: number) =>
    run('busybox', ['ping', '-6', '-c', `${count}`, '-i', '0.1', '-W', '1', moving.address], { allowFailure: true });

  it('is reachable at once where it has moved to: switches were told', { timeout: 30_000 }, async () => {
    const { a, b } = moving;
    assert.equal((await ping(PINGS)).code, 0, 'it answers where it is');
    await moving.handOver(a, b, 'told');
    const { code, stdout } = await ping(PINGS);
    await moving.commit(a, 'told');
    assert.equal(code, 0, stdout);
    assert.match(stdout, new RegExp(`${PINGS} packets transmitted, ${PINGS} packets received`));
  });
});
