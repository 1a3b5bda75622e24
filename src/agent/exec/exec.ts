/**
 * The Exec call: one command, connected to one caller for as long as both are there. When the caller goes, the command is
 * ended; when the command ends, its last output goes out before its exit code.
 */
import type { Readable, Writable } from 'node:stream';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { fail } from '../../domain/errors.ts';
import type { ExecInput, ExecOutputSchema, ExecStart } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import { hastenCgroupMoves } from '../hasten-cgroup-moves.ts';
import type { Host } from '../host.ts';
import { resolveInside } from '../lxc/init-type.ts';
import { parseRef } from '../spec.ts';
import { instanceVolume } from '../storage/volume.ts';
import { type AttachCommand, attachCommand } from './attach-command.ts';
import { merged } from './merged.ts';
import { openOnTerminal, openPipes, type Session } from './session.ts';

type ExecOutput = MessageInitShape<typeof ExecOutputSchema>;

/** A daemon left behind may hold the pipes open: after the command's end this much silence ends the output. */
const SILENCE_MS = 100;
const ENDED_BY_MOVE = Buffer.from('\r\nThe session was ended: the instance moves to another host.\r\n');

export async function* exec(
  host: Host,
  inputs: AsyncIterable<ExecInput>,
  signal: AbortSignal,
): AsyncGenerator<ExecOutput> {
  const reader = inputs[Symbol.asyncIterator]();
  const first = (await reader.next()).value?.input;
  if (first?.case !== 'start') fail('invalid', 'the first message of exec must be "start"');
  const start: ExecStart = first.value;
  hastenCgroupMoves();
  const attach = await prepare(host, start);
  const isMoving = () => host.isMoving(parseRef(start.ref).id);
  signal.throwIfAborted();

  const session = start.interactive
    ? openOnTerminal(attach, start.size?.width ?? 0, start.size?.height ?? 0)
    : openPipes(attach);
  signal.addEventListener('abort', session.kill, { once: true });
  try {
    yield { output: { case: 'started', value: true } };
    void feed(reader, session);
    const streams = session.stderr ? [session.stdout, session.stderr] : [session.stdout];
    // A terminal ends with lxc-attach; pipes may be held by what the command left behind.
    if (session.stderr) void session.exited.catch(() => {}).then(() => endWhenSilent(streams));
    for await (const { index, chunk } of merged(streams)) {
      yield { output: { case: index === 0 ? 'stdout' : 'stderr', value: chunk } };
    }
    const code = await session.exited;
    if (code > 128 && isMoving())
      yield { output: { case: session.stderr ? 'stderr' : 'stdout', value: ENDED_BY_MOVE } };
    yield { output: { case: 'exited', value: code } };
  } finally {
    signal.removeEventListener('abort', session.kill);
    session.kill();
    for (const stream of [session.stdin, session.stdout, session.stderr]) stream?.destroy();
  }
}

async function prepare(host: Host, start: ExecStart): Promise<AttachCommand> {
  const { spec, pool } = host.ledger.expect(parseRef(start.ref));
  const { state } = host.runtime.look(spec.id);
  if (state === 'stopped') fail('invalid', 'Instance is not running');
  if (state === 'frozen') fail('invalid', 'Instance is frozen');
  if (host.isMoving(spec.id)) fail('busy', 'Instance is being moved');
  const rootfs = await host.pools.get(pool).activate(instanceVolume(spec.id));
  return attachCommand(host.paths.lxc, spec.id, start, spec.config, await findSetsid(rootfs));
}

async function findSetsid(rootfs: string): Promise<string | undefined> {
  for (const path of ['/usr/bin/setsid', '/bin/setsid']) if (await resolveInside(rootfs, path)) return path;
  return undefined;
}

/** Passes on what the caller sends, at the speed at which the command reads it. */
async function feed(reader: AsyncIterator<ExecInput>, session: Session): Promise<void> {
  const { stdin } = session;
  stdin.on('error', () => {}); // the command does not read (any more): its exit code tells
  try {
    await session.ready;
    for (;;) {
      const { done, value } = await reader.next();
      if (done) return;
      const { input } = value;
      if (input.case === 'stdin') await write(stdin, input.value);
      else if (input.case === 'stdinEnd') endInput(session);
      else if (input.case === 'resize') session.resize(input.value.width, input.value.height);
      else if (input.case === 'signal') session.signal(input.value);
    }
  } catch {
    session.kill(); // the caller broke off in the middle of a message
  }
}

/** On a terminal the end of input is a character, and closing it would end the output too. */
function endInput(session: Session): void {
  if (session.stderr === undefined) session.stdin.write('\x04');
  else session.stdin.end();
}

function write(stream: Writable, bytes: Uint8Array): Promise<void> {
  if (stream.destroyed || stream.writableEnded || stream.write(bytes)) return Promise.resolve();
  return new Promise(resolve => {
    const done = () => {
      stream.off('drain', done).off('close', done).off('error', done);
      resolve();
    };
    stream.once('drain', done).once('close', done).once('error', done);
  });
}

/** Ends the output once nothing came and nothing waits to be taken: a slow caller still gets all of it. */
function endWhenSilent(streams: readonly Readable[]): void {
  let heard = false;
  const timer = setInterval(() => {
    if (heard || streams.some(stream => stream.readableLength > 0)) {
      heard = false;
      return;
    }
    clearInterval(timer);
    for (const stream of streams) stream.destroy();
  }, SILENCE_MS);
  for (const stream of streams) {
    stream.on('data', () => {
      heard = true;
    });
  }
}
