/**
 * `npm run compare`: sends a real LXD 5.0.2 and a Berth cluster the same requests, and prints where the answers differ in
 * shape: status, envelope, keys, types, ETag. What is known, with its reason, is in known.yaml. Needs root and the package lxd.
 */
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { parse } from 'yaml';
import { run } from '../../src/agent/command.ts';
import { openHarness } from '../e2e/harness.ts';
import { startLxd } from './real-lxd.ts';
import { REQUESTS, type Request } from './requests.ts';
import { differences } from './shape.ts';

interface Side {
  readonly socketPath: string;
  readonly names: Readonly<Record<string, string>>;
}

interface Seen {
  readonly status: number;
  readonly etag: boolean;
  readonly body: unknown;
}

const KNOWN = parse(readFileSync(join(import.meta.dirname, 'known.yaml'), 'utf8')) as readonly {
  readonly at: string;
  readonly why: string;
}[];

const harness = await openHarness('compare');
const lxd = await startLxd(join(harness.cluster.dir, 'real-lxd')).catch(async error => {
  await harness.close();
  throw error;
});
try {
  const real = async (...args: string[]) =>
    (await run('lxc', args, { env: { LXD_DIR: lxd.dir, LXD_CONF: join(lxd.dir, 'conf'), HOME: lxd.dir } })).stdout;
  await real('storage', 'create', 'default', 'dir');
  await real('profile', 'device', 'add', 'default', 'root', 'disk', 'path=/', 'pool=default');
  await real('image', 'import', harness.image, '--alias', 'busybox');
  const there: Side = { socketPath: lxd.socketPath, names: await namesOf(lxd.socketPath) };
  const here: Side = { socketPath: harness.cluster.socketPath, names: await namesOf(harness.cluster.socketPath) };
  const refused = await berthAt(lxd.socketPath);
  for (const line of refused) console.log(`berth against LXD: ${line}`);
  let found = refused.length;
  let known = 0;
  const used = new Set<string>();
  for (const request of REQUESTS) {
    const lines = compare(await ask(there, request), await ask(here, request)).map(
      line =>
        `${request.method} ${request.path}${request.body === undefined ? '' : ` ${JSON.stringify(request.body)}`} | ${line}`,
    );
    for (const line of lines) {
      const reason = KNOWN.find(({ at }) => new RegExp(at).test(line));
      if (reason === undefined) {
        found++;
        console.log(line);
      } else {
        known++;
        used.add(reason.at);
      }
    }
  }
  for (const { at } of KNOWN) if (!used.has(at)) console.log(`known.yaml: fits nothing: ${at}`);
  console.log(`${REQUESTS.length} requests: ${found} differences, and ${known} known ones`);
  process.exitCode = found === 0 ? 0 : 1;
} finally {
  await lxd.close();
  await harness.close();
}

/** `berth` as a client of the real LXD: what it cannot do there. */
async function berthAt(socketPath: string): Promise<readonly string[]> {
  const lines = [
    'list',
    'image list',
    'init busybox b1 -c user.x=1',
    'config get b1 user.x',
    'config set b1 user.x=2',
    'config show b1',
    'info b1',
    'snapshot b1 s1',
    'rename b1 b2',
    'profile list',
    'profile create q',
    'profile delete q',
    'storage list',
    'network list',
    'project list',
    'operation list',
    'query /1.0/instances',
    'delete b2',
    'version',
  ];
  const failed: string[] = [];
  for (const line of lines) {
    const env = { BERTH_SOCKET: socketPath, BERTH_CONF: join(harness.cluster.dir, 'cli', 'other') };
    const { code, stderr } = await harness.berth(line.split(' '), { env, allowFailure: true });
    if (code !== 0) failed.push(`berth ${line}: ${stderr.trim()}`);
  }
  return failed;
}

/** Sends it, and follows an operation to its end. */
async function ask(side: Side, { method, path, body }: Request): Promise<readonly [string, Seen][]> {
  const fill = (text: string) => text.replace(/\{(\w+)\}/g, (_, name: string) => side.names[name] ?? name);
  const first = await send(
    side.socketPath,
    method,
    fill(path),
    body === undefined ? undefined : fill(JSON.stringify(body)),
  );
  const { operation, metadata } = (first.body ?? {}) as { operation?: string; metadata?: { class?: string } };
  if (first.status !== 202 || !operation || metadata?.class === 'token') return [['', first]];
  return [
    ['', first],
    ['its operation: ', await send(side.socketPath, 'GET', `${operation}/wait?timeout=30`)],
  ];
}

function compare(there: readonly [string, Seen][], here: readonly [string, Seen][]): readonly string[] {
  return there.flatMap(([which, theirs], index) => {
    const ours = here[index]?.[1];
    if (ours === undefined) return [`${which}not here`];
    if (theirs.status !== ours.status)
      return [`${which}status ${theirs.status} there, ${ours.status} here (${errorOf(theirs)} / ${errorOf(ours)})`];
    const ended = [theirs, ours].map(({ body }) => (body as { metadata?: { status?: string } })?.metadata?.status);
    return [
      ...(theirs.etag === ours.etag ? [] : [`${which}ETag ${theirs.etag ? 'missing here' : 'only here'}`]),
      ...(which !== '' && ended[0] !== ended[1]
        ? [`${which}${ended[0]} there, ${ended[1]} here (${errorOf(theirs)} / ${errorOf(ours)})`]
        : []),
      ...differences(theirs.body, ours.body).map(line => which + line),
    ];
  });
}

function errorOf({ body }: Seen): string {
  const { error, metadata } = (body ?? {}) as { error?: string; metadata?: { err?: string } | null };
  return (error || metadata?.err || '').slice(0, 90);
}

async function namesOf(socketPath: string): Promise<Record<string, string>> {
  const first = async (noun: string) => {
    const { body } = await send(socketPath, 'GET', `/1.0/${noun}`);
    return String((body as { metadata: string[] }).metadata[0])
      .split('/')
      .at(-1)!;
  };
  return { image: await first('images'), pool: await first('storage-pools') };
}

function send(socketPath: string, method: string, path: string, body?: string): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ socketPath, method, path, agent: false }, async response => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      const isJson = String(response.headers['content-type']).includes('json');
      const seen = { status: response.statusCode!, etag: response.headers.etag !== undefined };
      resolve({ ...seen, body: isJson ? JSON.parse(text) : 'not JSON' });
    });
    request.once('error', reject);
    request.end(body);
  });
}
