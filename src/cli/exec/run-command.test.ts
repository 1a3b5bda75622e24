import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WebSocket } from 'ws';
import { isInteractive } from '../commands/exec.ts';
import { operation, type Seen, started, startFakeServer } from '../testing/fake-server.ts';

interface FakeCommand {
  /** What the command does once everything is connected. */
  readonly body: (streams: ReadonlyMap<string, WebSocket>) => Promise<void> | void;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly status?: { readonly status: string; readonly status_code: number; readonly err?: string };
}

/** A server that runs one fake command: it starts when all sockets are there, and ends after they are. */
async function startExec({
  body,
  metadata = { return: 0 },
  status = { status: 'Success', status_code: 200 },
}: FakeCommand) {
  const streams = new Map<string, WebSocket>();
  let end = () => {};
  const ended = new Promise<void>(resolve => {
    end = resolve;
  });
  let needed = 0;
  const connected = async (socket: WebSocket, url: URL) => {
    streams.set(url.searchParams.get('secret')!.replace('secret-', ''), socket);
    if (streams.size < needed) return;
    await body(streams);
    end();
  };
  return startFakeServer(
    {
      'POST /1.0/instances/c1/exec': ({ body: request }: Seen) => {
        const fds = (request as { interactive: boolean }).interactive ? ['0', 'control'] : ['0', '1', '2', 'control'];
        needed = fds.length;
        return started({
          class: 'websocket',
          metadata: { fds: Object.fromEntries(fds.map(fd => [fd, `secret-${fd}`])) },
        });
      },
      'GET /1.0/operations/op1/wait': () => ended.then(() => operation({ ...status, metadata })),
    },
    { '/1.0/operations/op1/websocket': connected },
  );
}

/** All that the client sends on a stream until its end. */
function received(socket: WebSocket): Promise<string> {
  const chunks: Buffer[] = [];
  return new Promise(resolve => {
    socket.on('message', (data: Buffer, binary: boolean) => {
      if (!binary && data.length === 0) resolve(Buffer.concat(chunks).toString());
      else chunks.push(data);
    });
  });
}

test('input goes in, output and errors come out, and the exit code is the command’s', async () => {
  await using server = await startExec({
    body: async streams => {
      const input = await received(streams.get('0')!);
      streams.get('1')!.send(Buffer.from(`got ${input}`));
      streams.get('2')!.send(Buffer.from('warning'));
      for (const fd of ['1', '2']) streams.get(fd)!.send('');
    },
    metadata: { return: 7 },
  });
  const ran = await server.run(['exec', 'c1', '--env', 'A=b', '--cwd', '/tmp', '--user', '5', '--', 'cat', '-n'], {
    stdin: 'hello',
    env: { TERM: 'xterm' },
  });
  assert.deepEqual(ran, { code: 7, out: 'got hello', err: 'warning' });
  assert.deepEqual(server.seen[0]?.body, {
    command: ['cat', '-n'],
    'wait-for-websocket': true,
    interactive: false,
    environment: { TERM: 'xterm', A: 'b' },
    width: 0,
    height: 0,
    'record-output': false,
    user: 5,
    group: 0,
    cwd: '/tmp',
  });
});

test('nothing of a large output is lost, also when the operation ends first', async () => {
  const megabyte = Buffer.alloc(1024 * 1024, 'x');
  await using server = await startExec({
    body: streams => {
      for (let i = 0; i < 5; i++) streams.get('1')!.send(megabyte);
      for (const fd of ['1', '2']) streams.get(fd)!.send('');
    },
  });
  const { code, out } = await server.run(['exec', 'c1', 'true']);
  assert.deepEqual([code, out.length], [0, 5 * megabyte.length]);
});

test('with a terminal there is one stream, and its size goes along', async () => {
  await using server = await startExec({
    body: streams => {
      streams.get('0')!.send(Buffer.from('# '));
      streams.get('0')!.close();
    },
  });
  const { code, out } = await server.run(['exec', '-t', 'c1', 'sh'], { terminal: true });
  assert.deepEqual([code, out], [0, '# ']);
  const { width, height, interactive } = server.seen[0]!.body as Record<string, unknown>;
  assert.deepEqual([interactive, width, height], [true, 80, 24]);
});

test('signals go to the command', async () => {
  let heard = '';
  await using server = await startExec({
    body: streams =>
      new Promise(resolve => {
        streams.get('control')!.on('message', data => {
          heard = String(data);
          for (const fd of ['1', '2']) streams.get(fd)!.send('');
          resolve();
        });
        process.emit('SIGUSR1');
      }),
  });
  await server.run(['exec', 'c1', 'sleep', '9']);
  assert.deepEqual(JSON.parse(heard), { command: 'signal', signal: 10 });
  assert.equal(process.listenerCount('SIGUSR1'), 0);
});

test('a command that is not there says so and exits with 127', async () => {
  await using server = await startExec({
    body: streams => {
      for (const fd of ['1', '2']) streams.get(fd)!.send('');
    },
    metadata: { return: 127 },
    status: { status: 'Failure', status_code: 400, err: 'Command not found' },
  });
  assert.deepEqual(await server.run(['exec', 'c1', 'nope']), { code: 127, out: '', err: 'Error: Command not found\n' });
});

test('a terminal is given when both ends are one, unless told otherwise', () => {
  assert.equal(isInteractive({ mode: 'auto' }, true), true);
  assert.equal(isInteractive({ mode: 'auto' }, false), false);
  assert.equal(isInteractive({ mode: 'auto', disableStdin: true }, true), false);
  assert.equal(isInteractive({ mode: 'auto', forceNoninteractive: true }, true), false);
  assert.equal(isInteractive({ mode: 'auto', forceInteractive: true }, false), true);
  assert.equal(isInteractive({ mode: 'non-interactive' }, true), false);
});
