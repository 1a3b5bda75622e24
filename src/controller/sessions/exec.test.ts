/** Exec as lxc and pylxd speak it, against a host whose commands are functions. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { WebSocket } from 'ws';
import { type Clock, systemClock } from '../../kit/clock.ts';
import type { AgentClient } from '../../rpc/agent-services.ts';
import { type Front, IMAGE, openTestApi, type TestApi, type TestApiOptions } from '../lxd/testing/test-api.ts';
import { CONTROLLERS } from '../spaces.ts';
import type { ExecStart } from './exec-bridge.ts';

type Exec = AgentClient['exec'];
type Inputs = Parameters<Exec>[0];

/** What the command does: hears input, yields output as `[stream, text]`, returns its status. */
type Program = (
  start: ExecStart,
  heard: AsyncIterator<Inputs extends AsyncIterable<infer T> ? T : never>,
  signal: AbortSignal,
) => AsyncGenerator<readonly ['stdout' | 'stderr', string], number>;

const exits = (status: number): Program =>
  async function* () {
    yield ['stdout', ''];
    return status;
  };

let program: Program;
let api: TestApi;
let started: ExecStart | undefined;

const exec = async function* (inputs: Inputs, options?: { signal?: AbortSignal }) {
  const heard = inputs[Symbol.asyncIterator]();
  const first = (await heard.next()).value?.input;
  assert.equal(first?.case, 'start');
  started = first.value as ExecStart;
  yield { output: { case: 'started', value: true } };
  const running = program(started, heard, options?.signal ?? new AbortController().signal);
  for (;;) {
    const { done, value } = await running.next();
    if (done) {
      yield { output: { case: 'exited', value } };
      return;
    }
    yield { output: { case: value[0], value: Buffer.from(value[1]) } };
  }
} as unknown as Exec;

beforeEach(() => open());
afterEach(() => api.close());

async function open(options: TestApiOptions = {}): Promise<void> {
  api = await openTestApi({ hosts: ['n1'], agent: () => ({ exec }), ...options });
  await api.front.run('POST', '/1.0/instances', { name: 'c1', source: { type: 'image', fingerprint: IMAGE } });
  await api.front.run('PUT', '/1.0/instances/c1/state', { action: 'start' });
}

const lxc = { 'wait-for-websocket': true, interactive: false, environment: { TERM: 'xterm' } };

async function begin(body: object, path = '/1.0/instances/c1/exec') {
  const { status, json, text } = await api.front.send('POST', path, { body: { command: ['it'], ...lxc, ...body } });
  assert.equal(status, 202, text);
  return {
    id: json.metadata.id as string,
    fds: json.metadata.metadata.fds as Record<string, string>,
    ...json.metadata,
  };
}

/** A client's end of one socket: what came, as text, and whether the end of the stream was said. */
async function join(id: string, secret: string, front: Front = api.front) {
  const socket = front.websocket(`/1.0/operations/${id}/websocket?secret=${secret}`);
  const end = Promise.withResolvers<string>();
  let text = '';
  socket.on('message', (data, isBinary) => {
    if (isBinary) text += String(data);
    else if (String(data) === '') end.resolve(text);
  });
  socket.on('close', () => end.reject(new Error('closed before the end of the stream was said')));
  end.promise.catch(() => {});
  await once(socket, 'open');
  return { socket, ended: end.promise, closed: once(socket, 'close') };
}

async function refusal(id: string, secret: string): Promise<number> {
  const socket: WebSocket = api.front.websocket(`/1.0/operations/${id}/websocket?secret=${secret}`);
  socket.on('error', () => {});
  const [, { statusCode }] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
  socket.terminate();
  return statusCode;
}

const wait = async (id: string) => (await api.front.send('GET', `/1.0/operations/${id}/wait?timeout=10`)).json.metadata;

describe('exec', { timeout: 20_000 }, () => {
  it('runs as lxc wants it: control first, three streams, an empty text frame at the end, then the status', async () => {
    program = async function* (_start, heard) {
      yield ['stdout', 'out'];
      yield ['stderr', 'err'];
      for (;;) {
        const { input } = (await heard.next()).value!;
        if (input.case === 'stdin') yield ['stdout', `<${Buffer.from(input.value)}>`];
        if (input.case === 'stdinEnd') return 7;
      }
    };
    const begun = await begin({});
    assert.equal(begun.class, 'websocket');
    assert.deepEqual(Object.keys(begun.fds).sort(), ['0', '1', '2', 'control']);
    assert.deepEqual(begun.metadata.command, ['it']);
    const control = await join(begun.id, begun.fds.control!);
    const stdin = await join(begun.id, begun.fds['0']!);
    stdin.socket.send(Buffer.from('early')); // before the command can run
    const stdout = await join(begun.id, begun.fds['1']!);
    const stderr = await join(begun.id, begun.fds['2']!);
    stdin.socket.send(Buffer.from('late'));
    stdin.socket.send('');
    assert.equal(await stdout.ended, 'out<early><late>');
    assert.equal(await stderr.ended, 'err');
    const { status, metadata, err } = await wait(begun.id);
    assert.deepEqual([status, metadata.return, err], ['Success', 7, '']);
    await Promise.all([control.closed, stdout.closed]);
  });

  it("gives the command LXD's environment, the instance's over it, the client's over both", async () => {
    program = exits(0);
    await api.front.send('PUT', '/1.0/profiles/default', {
      body: {
        config: { 'environment.SITE': 'lab', 'environment.LANG': 'de_DE.UTF-8' },
        devices: (await api.front.send('GET', '/1.0/profiles/default')).json.metadata.devices,
      },
    });
    const { id } = await begin({ 'wait-for-websocket': false, environment: { LANG: 'fr_FR.UTF-8' } });
    await wait(id);
    const { PATH, ...environment } = started!.environment as Record<string, string>;
    assert.match(PATH!, /\/usr\/sbin/);
    assert.deepEqual(environment, { HOME: '/root', USER: 'root', SITE: 'lab', LANG: 'fr_FR.UTF-8' });
  });

  it('runs as pylxd wants it: no control, an empty text frame for no input, polling for the status afterwards', async () => {
    program = async function* (_start, heard) {
      assert.equal((await heard.next()).value?.input.case, 'stdinEnd');
      yield ['stdout', 'done'];
      return 0;
    };
    const { id, fds } = await begin({}, '/1.0/containers/c1/exec');
    const stdin = await join(id, fds['0']!);
    stdin.socket.send('');
    const stdout = await join(id, fds['1']!);
    await join(id, fds['2']!);
    assert.equal(await stdout.ended, 'done');
    await wait(id);
    const { json } = await api.front.send('GET', `/1.0/operations/${id}`);
    assert.equal(json.metadata.metadata.return, 0);
  });

  it('on a terminal has one stream and control, which resizes it and sends signals', async () => {
    program = async function* (start, heard) {
      yield ['stdout', `${start.size?.width}x${start.size?.height} `];
      for (;;) {
        const { input } = (await heard.next()).value!;
        if (input.case === 'resize') yield ['stdout', `${input.value.width}x${input.value.height} `];
        if (input.case === 'signal') return 128 + input.value!;
      }
    };
    const { id, fds } = await begin({ interactive: true, width: 80, height: 24 });
    assert.deepEqual(Object.keys(fds).sort(), ['0', 'control']);
    const control = await join(id, fds.control!);
    const terminal = await join(id, fds['0']!);
    control.socket.send('no JSON');
    control.socket.send(JSON.stringify({ command: 'window-resize', args: { width: '100', height: '30' } }));
    control.socket.send(JSON.stringify({ command: 'signal', signal: 15 }));
    assert.equal(await terminal.ended, '80x24 100x30 ');
    assert.equal((await wait(id)).metadata.return, 143);
  });

  for (const [how, gone] of [
    ['control', 'control'],
    ['stdout, there being no control', '1'],
  ] as const) {
    it(`kills the command when its client drops ${how}`, async () => {
      const killed = Promise.withResolvers<void>();
      program = async function* (_start, _heard, signal) {
        yield ['stdout', 'running'];
        await once(signal, 'abort');
        killed.resolve();
        return 137;
      };
      const { id, fds } = await begin({});
      const names = gone === 'control' ? ['control', '0', '1', '2'] : ['0', '1', '2'];
      const sockets = new Map<string, Awaited<ReturnType<typeof join>>>();
      for (const name of names) sockets.set(name, await join(id, fds[name]!));
      await once(sockets.get('1')!.socket, 'message');
      sockets.get(gone)!.socket.terminate(); // as TCP does it, without a close frame
      await killed.promise;
      const { status, err } = await wait(id);
      assert.deepEqual([status, err], ['Failure', 'The client hung up; the command was killed']);
    });
  }

  it('lets each secret in once, and no other', async () => {
    program = exits(0);
    const { id, fds } = await begin({});
    assert.equal(await refusal(id, 'wrong'), 403);
    await join(id, fds['0']!);
    assert.equal(await refusal(id, fds['0']!), 403);
    assert.equal(await refusal('no-such-operation', fds['1']!), 404);
  });

  it('gives up when the client does not connect in time', async () => {
    await api.close();
    const hurried: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 20, signal) };
    await open({ clock: hurried });
    const { id, fds } = await begin({});
    await join(id, fds['0']!);
    const { status, err } = await wait(id);
    assert.equal(status, 'Failure');
    assert.match(err, /did not connect/);
  });

  it('fails with the status kept when the command is not found', async () => {
    program = async function* () {
      yield ['stderr', 'sh: nosuch: not found'];
      return 127;
    };
    const { id } = await begin({ 'wait-for-websocket': false });
    const { status, err, metadata } = await wait(id);
    assert.deepEqual([status, err, metadata.return], ['Failure', 'Command not found', 127]);
  });

  it('records what it writes when nobody is attached', async () => {
    program = async function* () {
      yield ['stdout', 'for the record'];
      return 3;
    };
    const { id } = await begin({ 'wait-for-websocket': false, 'record-output': true });
    const { class: kind, metadata } = await wait(id);
    assert.deepEqual([kind, metadata.return], ['task', 3]);
    assert.equal((await api.front.send('GET', metadata.output[1])).text, 'for the record');
    assert.equal((await api.front.send('GET', metadata.output[2])).text, '');
    assert.equal((await api.front.send('DELETE', metadata.output[1])).status, 200);
    assert.equal((await api.front.send('GET', metadata.output[1])).status, 404);
  });

  it('is refused in an instance that does not run', async () => {
    await api.front.run('PUT', '/1.0/instances/c1/state', { action: 'freeze' });
    const frozen = await api.front.send('POST', '/1.0/instances/c1/exec', { body: { command: ['it'] } });
    assert.deepEqual([frozen.status, frozen.json.error], [400, 'Instance is frozen']);
    await api.front.run('PUT', '/1.0/instances/c1/state', { action: 'stop', force: true });
    const stopped = await api.front.send('POST', '/1.0/instances/c1/exec', { body: { command: ['it'] } });
    assert.deepEqual([stopped.status, stopped.json.error], [400, 'Instance is not running']);
    assert.equal((await api.front.send('POST', '/1.0/instances/none/exec', { body: { command: ['it'] } })).status, 404);
    const none = await api.front.send('POST', '/1.0/instances/c1/exec', { body: { command: [] } });
    assert.match(none.json.error, /"command"/);
  });

  it('is shown by every front end, with how it ended', async () => {
    program = exits(5);
    const other = await api.another('c2');
    const { id } = await begin({ 'wait-for-websocket': false });
    const { json } = await other.send('GET', `/1.0/operations/${id}/wait?timeout=10`);
    assert.equal(json.metadata.metadata.return, 5);
  });

  it('takes sockets that reach another front end than the one that was asked', async () => {
    program = async function* (_start, heard) {
      for (;;) {
        const { input } = (await heard.next()).value!;
        if (input.case === 'stdin') yield ['stdout', Buffer.from(input.value).toString().toUpperCase()];
        if (input.case === 'stdinEnd') return 9;
      }
    };
    const other = await api.another('c2');
    const { store, view } = other.controller;
    const record = { name: 'c1', incarnation: 'x', address: api.front.address };
    const { revision } = await store.commit({ guards: [], writes: [CONTROLLERS.put(CONTROLLERS.key('c1'), record)] });
    const { id, fds } = await begin({});
    await view.reached(revision);
    const stdin = await join(id, fds['0']!, other);
    const stdout = await join(id, fds['1']!);
    await join(id, fds['2']!, other);
    stdin.socket.send(Buffer.from('shout'));
    stdin.socket.send('');
    assert.equal(await stdout.ended, 'SHOUT');
    assert.equal((await wait(id)).metadata.return, 9);
    await stdin.closed;
  });
});
