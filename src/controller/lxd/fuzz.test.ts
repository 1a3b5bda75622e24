/**
 * Hostile requests against every route: no 500, no crash, no hang, and a request that is refused changes nothing. Seeded:
 * what fails is found again. `npm run fuzz` sends more: FUZZ_REQUESTS and FUZZ_SEED.
 */
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { describe, it } from 'node:test';
import { makeSelfSigned } from '../../kit/certificates.ts';
import type { Route } from '../http/route.ts';
import type { Lxd } from './context.ts';
import { lxdApi } from './routes.ts';
import { type Dice, type HostileRequest, hostileRequest, openDice } from './testing/hostile.ts';
import { IMAGE, openTestApi, type TestApi } from './testing/test-api.ts';

const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 10_000);
const SEED = Number(process.env.FUZZ_SEED ?? 1);
/** After so many the cluster is made anew: hostile requests that are honoured leave little to work with. */
const PER_CLUSTER = 500;
const PATIENCE_MS = 10_000;

/** Answers of a server that is well: what it does not do is said, what is full is said. */
const FINE_5XX = [501, 507];
/** Written by what goes on by itself, whatever a client asks. */
const BY_ITSELF = /^(leader|controllers|node-status|status|locks|sagas)\//;

describe('hostile requests', { timeout: 30 * 60_000 }, () => {
  it(`${REQUESTS} of them from seed ${SEED}`, async () => {
    const { routes } = lxdApi({ secrets: { server: await makeSelfSigned('routes') } } as Lxd);
    const dice = openDice(SEED);
    const seen = new Set<Route>();
    const wrong: string[] = [];
    for (let sent = 0; sent < REQUESTS && wrong.length < 20; sent += PER_CLUSTER) {
      const api = await openTestApi();
      try {
        await furnish(api);
        await attack(api, dice, routes, Math.min(PER_CLUSTER, REQUESTS - sent), wrong, seen);
      } finally {
        await api.close();
      }
    }
    assert.deepEqual(wrong, []);
    // The rest need a name that only a running operation has.
    const expected = REQUESTS >= 10_000 ? routes.length * 0.9 : 0;
    console.log(`${seen.size} of ${routes.length} routes answered something else than 404`);
    assert.ok(seen.size >= expected, `${seen.size} of ${routes.length} routes were reached`);
  });
});

async function attack(
  api: TestApi,
  dice: Dice,
  routes: readonly Route[],
  count: number,
  wrong: string[],
  seen: Set<Route>,
): Promise<void> {
  let before = await stored(api);
  for (let i = 0; i < count; i++) {
    const hostile = hostileRequest(dice, routes);
    const what = `${hostile.method} ${hostile.path.slice(0, 200)} ${String(hostile.body ?? '').slice(0, 300)}`;
    const answer = await send(api, hostile);
    if (answer === 'hang') wrong.push(`hangs: ${what}`);
    else {
      if (answer.status >= 500 && !FINE_5XX.includes(answer.status))
        wrong.push(`${answer.status} ${answer.text.slice(0, 200)}: ${what}`);
      if (hostile.method === hostile.route.method && answer.status !== 404) seen.add(hostile.route);
      const operation = /"operation":"(\/1\.0\/operations\/[^"]+)"/.exec(answer.text)?.[1];
      if (answer.status === 202 && operation !== undefined) await api.front.send('GET', `${operation}/wait?timeout=2`);
      const after = await stored(api);
      if (answer.status >= 400 && after !== before)
        wrong.push(`${answer.status}, and yet it changed something: ${what}`);
      before = after;
    }
    if (wrong.length >= 20) return;
  }
}

async function furnish({ front }: TestApi): Promise<void> {
  for (const name of ['c1', 'c2'])
    await front.run('POST', '/1.0/instances', { name, source: { type: 'image', fingerprint: IMAGE } });
  await front.run('PUT', '/1.0/instances/c1/state', { action: 'start' });
  await front.run('POST', '/1.0/instances/c1/snapshots', { name: 's1' });
  await front.send('POST', '/1.0/profiles', { body: { name: 'p1' } });
  await front.send('POST', '/1.0/storage-pools', { body: { name: 'pool1', driver: 'dir' } });
  await front.send('POST', '/1.0/networks', { body: { name: 'net1', type: 'bridge' } });
  await front.send('POST', '/1.0/images/aliases', { body: { name: 'web', target: IMAGE } });
}

/** All that is stored and not written by itself, by its revisions. */
async function stored({ front }: TestApi): Promise<string> {
  const { entries } = await front.controller.store.list('');
  return entries
    .filter(({ key }) => !BY_ITSELF.test(key))
    .map(({ key, modRevision }) => `${key}@${modRevision}`)
    .join(' ');
}

function send(
  { front }: TestApi,
  { method, path, headers, body }: HostileRequest,
): Promise<{ status: number; text: string } | 'hang'> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const options = { socketPath: front.socketPath, method, path, headers: { ...headers, ...length }, agent: false };
    const request = httpRequest(options, response => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('close', () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode!, text: Buffer.concat(chunks).toString() });
      });
    });
    const timer = setTimeout(() => {
      resolve('hang');
      request.destroy();
    }, PATIENCE_MS);
    request.once('error', error => {
      clearTimeout(timer);
      // The server may refuse a body before it has read all of it.
      if ((error as NodeJS.ErrnoException).code === 'EPIPE') resolve({ status: 400, text: '' });
      else reject(new Error(`${method} ${path.slice(0, 200)}: ${error.message}`));
    });
    request.end(body);
  });
}
