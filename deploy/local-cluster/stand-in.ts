/**
 * Stands in for controller and agent in cluster.real.test.ts, so that it tests the local cluster and nothing else: takes
 * their flags, speaks as much of their API as bringing a cluster up needs, and keeps what it was told in its folder.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string' },
    name: { type: 'string' },
    listen: { type: 'string' },
    etcd: { type: 'string' },
    address: { type: 'string' },
  },
});
const data = values.data!;

const [what, token] = positionals;
if (what === 'controller') controller();
else if (what === 'join') joinHost();
else runAgent();

function controller(): void {
  const members = join(data, 'members');
  mkdirSync(members, { recursive: true });
  rmSync(join(data, 'unix.socket'), { force: true });
  const answers: Record<string, (body: Record<string, unknown>) => unknown> = {
    'GET /1.0': () => ({}),
    'GET /1.0/cluster/members': () => readdirSync(members).map(name => ({ server_name: name, status: 'Online' })),
  };
  const server = http.createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const key = `${request.method} ${request.url!.split('?')[0]}`;
    const body = text === '' ? {} : JSON.parse(text);
    const known = answers[key];
    if (known) return response.end(JSON.stringify({ type: 'sync', metadata: known(body) }));
    if (request.method === 'GET') {
      response.statusCode = 404;
      return response.end(JSON.stringify({ type: 'error', error_code: 404, error: 'not found' }));
    }
    writeFileSync(join(data, 'told'), `${key} ${text}\n`, { flag: 'a' });
    if (key !== 'POST /1.0/cluster/members') return response.end(JSON.stringify({ type: 'sync', metadata: {} }));
    writeFileSync(join(members, String(body.server_name)), '');
    const metadata = {
      serverName: body.server_name,
      fingerprint: 'f',
      addresses: [values.listen],
      secret: 's',
      expiresAt: '',
    };
    response.end(JSON.stringify({ type: 'async', metadata: { id: 'o1', class: 'token', status_code: 103, metadata } }));
  });
  server.listen(join(data, 'unix.socket'));
}

function joinHost(): void {
  const { server_name } = JSON.parse(Buffer.from(token!, 'base64').toString());
  if (!existsSync(join(data, 'agent.yaml'))) throw new Error('no agent.yaml');
  writeFileSync(join(data, 'joined'), `${server_name} ${values.address}`);
}

function runAgent(): void {
  const [, address] = readFileSync(join(data, 'joined'), 'utf8').split(' ');
  const [host, port] = address!.split(':');
  createServer(socket => socket.destroy()).listen(Number(port), host);
}
