import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdir, truncate, writeFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { AppError } from '../../domain/errors.ts';
import { issue, makeAuthority } from '../../kit/certificates.ts';
import { systemClock } from '../../kit/clock.ts';
import { type Body, createChannel } from '../../rpc/data/channel.ts';
import { dial } from '../../rpc/data/dial.ts';
import { serve } from '../../rpc/data/serve.ts';
import { agentUri, controllerUri, type TlsIdentity } from '../../rpc/identity.ts';
import { run } from '../command.ts';
import { createFetchImage } from '../image/fetch-image.ts';
import { openImageStore } from '../image/image-store.ts';
import { serveImageStreams } from '../image/image-streams.ts';
import { PROBE_STREAM, probeWire, serveProbes } from '../move/wire-probe.ts';
import { scratchFolder } from '../storage/testing/scratch-pool.ts';
import { type DataPlane, listenForData } from './listener.ts';

const identities = new Map<string, TlsIdentity>();
let plane: DataPlane;
let address: string;
const failures: unknown[] = [];

before(async () => {
  const authority = await makeAuthority('test');
  const stranger = await makeAuthority('test');
  const make = async (name: string, uri: string, by = authority) =>
    identities.set(name, { ca: authority.cert, ...(await issue(by, name, [{ type: 'url', value: uri }])) });
  await make('n1', agentUri('n1'));
  await make('n2', agentUri('n2'));
  await make('controller', controllerUri('c'));
  await make('nobody', 'https://example.org/');
  await make('stranger', agentUri('n1'), stranger);
  plane = await listenForData({
    host: '127.0.0.1',
    port: 0,
    identity: id('n2'),
    clock: systemClock,
    onError: e => failures.push(e),
  });
  address = `127.0.0.1:${plane.port}`;
});
after(() => plane.close());

const id = (name: string): TlsIdentity => identities.get(name)!;
const dialAs = (name: string, kind: string, token: string) =>
  dial({ address, identity: id(name), kind, token, node: 'n2' });

async function* pieces(bytes: Buffer, size = 70_000): Body {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
async function collect(body: Body): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts);
}

describe('the door', () => {
  test('a token opens one stream of its kind, with the parameters it was issued for, and says who comes', async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    plane.handle('hello', async ({ channel, params }) => resolve({ peer: channel.peer, params }));
    const token = plane.issueToken('hello', { who: 'you' }, 1000);
    await assert.rejects(dialAs('n1', 'other', plane.issueToken('hello', {}, 1000)), { code: 'forbidden' });
    await (await dialAs('n1', 'hello', token)).close();
    assert.deepEqual(await promise, { peer: 'berth://agent/n1', params: { who: 'you' } });
    await assert.rejects(dialAs('n1', 'hello', token), { code: 'forbidden', message: /unknown, used or expired/ });
    await assert.rejects(dialAs('n1', 'hello', plane.issueToken('hello', {}, 0)), { code: 'forbidden' });
    await assert.rejects(dialAs('n1', 'nope', plane.issueToken('nope', {}, 1000)), { code: 'unsupported' });
  });

  test('certificates of others, of no role, and hosts that are not the one meant, are turned away', async () => {
    plane.handle('hello', async () => {});
    const token = () => plane.issueToken('hello', {}, 1000);
    await assert.rejects(dialAs('stranger', 'hello', token()), { code: 'unavailable' });
    await assert.rejects(dialAs('nobody', 'hello', token()), { code: 'unavailable' });
    const wrongNode = dial({ address, identity: id('n1'), kind: 'hello', token: token(), node: 'n3' });
    await assert.rejects(wrongNode, { code: 'unauthenticated', message: /berth:\/\/agent\/n2, not node n3/ });
    await assert.rejects(dial({ address: '127.0.0.1:1', identity: id('n1'), kind: 'x', token: '' }), {
      code: 'unavailable',
    });
  });

  test('TLS 1.2, no certificate and plain bytes get nowhere, and the door stays open', async () => {
    const closed = (socket: {
      once(event: string, f: () => void): unknown;
      on(event: string, f: () => void): unknown;
    }) =>
      new Promise<void>(resolve => {
        socket.on('error', () => {});
        socket.once('close', resolve);
      });
    const port = plane.port;
    const { ca, cert, key } = id('n1');
    const checkServerIdentity = () => undefined;
    await closed(connectTls({ port, host: '127.0.0.1', ca, cert, key, maxVersion: 'TLSv1.2', checkServerIdentity }));
    const anonymous = connectTls({ port, host: '127.0.0.1', ca, checkServerIdentity });
    anonymous.on('secureConnect', () => anonymous.write('x'));
    await closed(anonymous);
    const plain = connectTcp(port, '127.0.0.1', () => plain.end('GET / HTTP/1.1\r\n\r\n'));
    await closed(plain);
    const raw = connectTls({ port, host: '127.0.0.1', ca, cert, key, checkServerIdentity });
    raw.on('secureConnect', () => raw.write(Buffer.from([9, 255, 255, 255, 255])));
    await closed(raw.resume());
    plane.handle('hello', async () => {});
    await (await dialAs('n1', 'hello', plane.issueToken('hello', {}, 1000))).close();
  });
});

describe('a stream', () => {
  test('carries questions and answers with bodies of any size, both ways', async () => {
    const sent = randomBytes(5_000_003);
    plane.handle('echo', ({ channel }) =>
      (async () => {
        for (;;) {
          const question = await channel.receive();
          if (question === undefined) return;
          const bytes = await collect(question.body);
          await channel.reply({ bytes: bytes.length }, pieces(bytes, 1_000_000));
        }
      })(),
    );
    const channel = await dialAs('n1', 'echo', plane.issueToken('echo', {}, 1000));
    for (const body of [sent, Buffer.alloc(0), sent.subarray(0, 1)]) {
      const answer = await channel.ask({}, pieces(body));
      assert.deepEqual(answer.message, { bytes: body.length });
      assert.ok((await collect(answer.body)).equals(body));
    }
    await channel.ask({}, pieces(sent)); // a body that nobody reads is skipped
    assert.deepEqual((await channel.ask({})).message, { bytes: 0 });
    await channel.close();
  });

  test('a failure of the far end arrives with its code, also in the middle of an endless body', async () => {
    plane.handle('full', ({ channel }) =>
      serve(channel, async (_, body) => {
        for await (const _piece of body) throw new AppError('exhausted', 'the disk is full');
        return {};
      }),
    );
    const channel = await dialAs('n1', 'full', plane.issueToken('full', {}, 1000));
    const endless = (async function* () {
      for (;;) yield Buffer.alloc(65_536);
    })();
    await assert.rejects(channel.ask({}, endless), { code: 'exhausted', message: 'the disk is full' });
  });

  test('a failure of the near end is thrown at the far end, not taken for the end of the body', async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    plane.handle('sink', async ({ channel }) => {
      const question = await channel.receive();
      resolve(await collect(question!.body).catch(error => error));
    });
    const channel = await dialAs('n1', 'sink', plane.issueToken('sink', {}, 1000));
    const broken = (async function* () {
      yield Buffer.from('begin');
      throw new AppError('unsupported', 'tar is not installed');
    })();
    await assert.rejects(channel.ask({}, broken), { code: 'unsupported' });
    assert.deepEqual(((await promise) as AppError).message, 'tar is not installed');
  });

  test('a connection cut in the middle of a body is an error at both ends', async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    plane.handle('cut', async ({ channel }) => {
      const question = await channel.receive();
      for await (const _ of question!.body) break;
      channel.detach().destroy();
      resolve(undefined);
    });
    const channel = await dialAs('n1', 'cut', plane.issueToken('cut', {}, 1000));
    const endless = (async function* () {
      for (;;) yield Buffer.alloc(65_536);
    })();
    await assert.rejects(channel.ask({}, endless), (error: Error) => !(error.message === ''));
    await promise;
  });

  test('holds the sender back while the receiver does not read', async () => {
    const [near, far] = duplexPair({ highWaterMark: 65_536 });
    const sender = createChannel(near, 'x');
    const receiver = createChannel(far, 'y');
    let sent = 0;
    const asked = sender.ask(
      {},
      (async function* () {
        for (; sent < 200; sent++) yield Buffer.alloc(65_536);
      })(),
    );
    const question = await receiver.receive();
    for (let i = 0; i < 100; i++) await turn();
    assert.ok(sent < 10, `${sent} pieces were sent to a receiver that reads none`);
    assert.equal((await collect(question!.body)).length, 200 * 65_536);
    await receiver.reply({ ok: true });
    assert.deepEqual((await asked).message, { ok: true });
  });

  test('silence in the middle of a question ends it', async () => {
    plane.handle('silent', async ({ channel }) => {
      await channel.receive();
      await new Promise(resolve => channel.detach().once('close', resolve));
    });
    const through = await dialAs('n1', 'silent', plane.issueToken('silent', {}, 1000));
    const impatient = createChannel(through.detach(), through.peer, 200);
    await assert.rejects(impatient.ask({}), { code: 'unavailable', message: /silent for 0.2 s/ });
  });

  test('who waits for an answer is told when his own side calls it off', { timeout: 5000 }, async () => {
    const [a, b] = duplexPair();
    const [near, far] = [createChannel(a, 'far'), createChannel(b, 'near')];
    const answer = near.ask({});
    await far.receive();
    void near.refuse(new AppError('cancelled', 'called off'));
    await assert.rejects(answer, { code: 'cancelled', message: 'called off' });
    await assert.rejects(
      far.reply({}).then(() => far.receive()),
      { code: 'cancelled' },
    );
  });

  test('is given away as plain bytes, none lost', async () => {
    plane.handle('raw', async ({ channel }) => {
      const raw = channel.detach();
      raw.pipe(raw);
      await new Promise(resolve => raw.once('close', resolve));
    });
    const raw = (await dialAs('n1', 'raw', plane.issueToken('raw', {}, 1000))).detach();
    const bytes = randomBytes(300_000);
    raw.end(bytes);
    assert.ok((await collect(raw)).equals(bytes));
  });
});

test('an image goes up from the controller, over to another host, and damage on the way is refused', async t => {
  const [data, other, tree] = [await scratchFolder(t), await scratchFolder(t), await scratchFolder(t)];
  const store = await openImageStore(data);
  serveImageStreams(plane, store);
  await writeFile(join(tree, 'metadata.yaml'), 'architecture: amd64\ncreation_date: 1\n');
  await run('mkdir', ['-p', join(tree, 'rootfs/bin')]);
  await writeFile(join(tree, 'rootfs/bin/random'), randomBytes(3_000_000));
  await run('tar', ['-czf', 'image.tgz', 'metadata.yaml', 'rootfs'], { cwd: tree });
  const { readFile } = await import('node:fs/promises');
  const bytes = await readFile(join(tree, 'image.tgz'));
  const sha256 = createHash('sha256').update(bytes).digest('hex');

  const upload = await dialAs(
    'controller',
    'image-upload',
    plane.issueToken('image-upload', { upload: 'u1', part: 'meta' }, 1000),
  );
  assert.deepEqual((await upload.ask({}, pieces(bytes))).message, { sha256, sizeBytes: bytes.length });
  await upload.close();
  assert.equal((await store.finishUpload('u1', sha256)).fingerprint, sha256);

  const there = await openImageStore(other);
  const fetchImage = createFetchImage(there, id('n1'));
  const source = () => ({
    node: 'n2',
    parts: [
      {
        part: 'meta' as const,
        address,
        token: plane.issueToken('image-download', { fingerprint: sha256, part: 'meta' }, 1000),
      },
    ],
  });
  await assert.rejects(fetchImage(sha256, []), { code: 'not-found' });
  const dead = { node: 'n2', parts: [{ part: 'meta' as const, address: '127.0.0.1:1', token: '' }] };
  const seen: number[] = [];
  const info = await fetchImage(sha256, [dead, source()], (sum, total) => seen.push(sum / total));
  assert.equal(info.fingerprint, sha256);
  assert.ok(seen.length > 1 && seen.at(-1) === 1 && seen.every((each, i) => i === 0 || each >= seen[i - 1]!));
  await fetchImage(sha256, []);

  await there.remove(sha256);
  await truncate(join(data, 'images', sha256, 'meta'), 1_000_000);
  await assert.rejects(fetchImage(sha256, [source()]), { code: 'invalid', message: /has fingerprint/ });
  assert.deepEqual(await readdir(join(other, 'images')), []);
  assert.deepEqual(await readdir(join(other, 'uploads')), []);
});

test('a probe measures how fast bytes get across, and needs a token as all streams do', async () => {
  serveProbes(plane);
  const token = plane.issueToken(PROBE_STREAM, {}, 1000);
  const rate = await probeWire({ token, address }, id('n1'));
  assert.ok(rate > 1000, `${rate} bytes per ms`); // a megabyte a second: even a machine in trouble does that
  await assert.rejects(probeWire({ token, address }, id('n1')), { code: 'forbidden' });
});
