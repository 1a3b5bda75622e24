/** A small image store over TLS for the tests: one image as a simplestreams tree, and by the protocol of LXD's servers. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { makeSelfSigned } from '../../src/kit/certificates.ts';

export interface ImageStore {
  readonly url: string;
  /** PEM. */
  readonly certificate: string;
  readonly fingerprint: string;
  /** Paths that were asked for. */
  readonly asked: string[];
  /** From now on it sends other bytes than it announces. */
  damage(): void;
  close(): Promise<void>;
}

/** @param image a unified archive @param host address of this machine that the hosts can reach */
export async function openImageStore(image: string, host: string): Promise<ImageStore> {
  const bytes = readFileSync(image);
  const fingerprint = createHash('sha256').update(bytes).digest('hex');
  const { cert, key } = await makeSelfSigned('store', [{ type: 'ip', value: host }]);
  const asked: string[] = [];
  let sent = bytes;
  const json = (value: unknown) => ({ type: 'application/json', body: JSON.stringify(value) });
  const lxd = (metadata: unknown) => json({ type: 'sync', status: 'Success', status_code: 200, metadata });
  const item = { ftype: 'lxd_combined.tar.gz', path: 'images/bb.tar.gz', sha256: fingerprint, size: bytes.length };
  const product = {
    aliases: 'busybox/1,busybox',
    arch: 'amd64',
    os: 'BusyBox',
    release: 'one',
    versions: { '20260101_0700': { items: { combined: item } } },
  };
  const described = {
    fingerprint,
    architecture: 'x86_64',
    size: bytes.length,
    filename: 'bb.tar.gz',
    type: 'container',
  };
  const answers: Readonly<Record<string, () => { type: string; body: string | Buffer }>> = {
    '/streams/v1/index.json': () =>
      json({ index: { i: { datatype: 'image-downloads', path: 'streams/v1/images.json', products: ['bb'] } } }),
    '/streams/v1/images.json': () => json({ products: { bb: product } }),
    '/images/bb.tar.gz': () => ({ type: 'application/octet-stream', body: sent }),
    '/1.0/images/aliases/bb': () => lxd({ name: 'bb', target: fingerprint }),
    [`/1.0/images/${fingerprint}`]: () => lxd({ ...described, public: true, properties: { os: 'from LXD' } }),
    [`/1.0/images/${fingerprint}/export`]: () => ({ type: 'application/octet-stream', body: sent }),
  };
  const server = createServer({ cert, key }, (request, response) => {
    asked.push(request.url!);
    const answer = answers[request.url!]?.();
    if (answer === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': answer.type }).end(answer.body);
  });
  await new Promise<void>(resolve => server.listen(0, host, resolve));
  return {
    url: `https://${host}:${(server.address() as AddressInfo).port}`,
    certificate: cert,
    fingerprint,
    asked,
    damage: () => {
      sent = Buffer.concat([bytes.subarray(1), Buffer.from([0])]);
    },
    close: () =>
      new Promise(resolve => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
