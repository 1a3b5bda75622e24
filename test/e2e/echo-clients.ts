/**
 * Many TCP connections from one process, one to each echo server, for as long as it is let: each sends a numbered message
 * of checked content at a fixed pace, whether the last one was answered or not. When its stdin ends it waits for the last
 * answers and prints one JSON line: per address what was sent and answered, and the longest round trip.
 *
 *   node echo-clients.ts PORT EVERY-MS BYTES ADDRESS ...
 */
import { connect } from 'node:net';

const LAST_ANSWERS_MS = 5000;
/** Longer than this is a stall; another one when that long has passed since. */
const STALL_MS = 30;
const APART_MS = 300;

const [port, everyMs, bytes] = process.argv.slice(2, 5).map(Number) as [number, number, number];
const addresses = process.argv.slice(5);

let stopping = false;
const connections = await Promise.all(addresses.map(open));
process.stdout.write(`${JSON.stringify({ connected: true })}\n`);
const ticker = setInterval(() => {
  for (const { send } of connections) send();
}, everyMs);
process.stdin
  .on('end', async () => {
    stopping = true;
    clearInterval(ticker);
    const deadline = new Promise(resolve => setTimeout(resolve, LAST_ANSWERS_MS));
    await Promise.race([deadline, Promise.all(connections.map(({ whole }) => whole))]);
    process.stdout.write(`${JSON.stringify(connections.map(({ result }) => result()))}\n`, () => process.exit(0));
  })
  .resume();

/** What message `n` consists of: its number, and then bytes that follow from it. */
function message(n: number): Buffer {
  const buffer = Buffer.alloc(bytes, n % 251);
  buffer.writeBigUInt64BE(BigInt(n));
  return buffer;
}

async function open(address: string) {
  const sentAt = new Map<number, number>();
  let sent = 0;
  let answered = 0;
  let corrupted = 0;
  let lost: string | undefined;
  let longestMs = 0;
  const roundTripsMs: number[] = [];
  const stallsMs: number[] = [];
  let stalledAt = 0;
  const stall = (ms: number) => {
    const now = performance.now();
    const same = now - stalledAt < APART_MS ? (stallsMs.pop() ?? 0) : 0;
    stallsMs.push(Math.max(ms, same));
    stalledAt = now;
  };
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  const { promise: whole, resolve: finish } = Promise.withResolvers<void>();

  const socket = connect({ host: address, port, noDelay: true });
  socket.on('data', chunk => {
    pending.push(chunk);
    pendingBytes += chunk.length;
    if (pendingBytes < bytes) return;
    let all = Buffer.concat(pending);
    for (; all.length >= bytes; all = all.subarray(bytes)) {
      if (!all.subarray(0, bytes).equals(message(answered))) corrupted += 1;
      const ms = performance.now() - sentAt.get(answered)!;
      sentAt.delete(answered);
      roundTripsMs.push(ms);
      longestMs = Math.max(longestMs, ms);
      if (ms > STALL_MS) stall(ms);
      answered += 1;
    }
    pending = [all];
    pendingBytes = all.length;
    if (stopping && answered === sent) finish();
  });
  const end = (why: string) => {
    lost ??= why;
    finish();
  };
  socket.on('error', error => end(error.message)).on('close', () => end('closed by the server'));
  await new Promise<void>((done, failed) => {
    socket.once('connect', done).once('error', failed);
  });
  return {
    whole,
    send: () => {
      if (lost !== undefined) return;
      sentAt.set(sent, performance.now());
      socket.write(message(sent));
      sent += 1;
    },
    result: () => {
      roundTripsMs.sort((a, b) => a - b);
      const medianMs = roundTripsMs[roundTripsMs.length >> 1] ?? 0;
      const counted = { sent, answered, bytes: answered * bytes, corrupted };
      return { address, ...counted, lost: lost ?? null, longestMs, medianMs, stallsMs };
    },
  };
}
