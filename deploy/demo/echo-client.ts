/**
 * A TCP client that never lets go: one connection to an echo server, a numbered message every 2 ms, each answer checked.
 * When told to stop (SIGTERM, end of stdin, or its time is up) it prints one JSON line: what it sent, what came back, and
 * the longest round trip, which is the pause that a user of the service would have felt.
 *
 *   node echo-client.ts HOST PORT [MAX-SECONDS]
 */
import { connect } from 'node:net';

const EVERY_MS = 2;
const BYTES = 8;
const LAST_ANSWERS_MS = 3000;

const [host = '127.0.0.1', port = '7', maxSeconds = '60'] = process.argv.slice(2);

const sentAt: number[] = [];
let answered = 0;
let corrupted = 0;
let lost: string | undefined;
let longestMs = 0;
let longestAt = 0;
let stopping = false;
const roundTripsMs: number[] = [];
let pending = Buffer.alloc(0);

const socket = connect({ host, port: Number(port), noDelay: true });
socket.on('connect', () => {
  process.stdout.write(`${JSON.stringify({ connected: true })}\n`);
  send();
});
socket.on('data', chunk => {
  const now = performance.now();
  pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
  while (pending.length >= BYTES) {
    if (pending.readBigUInt64BE() !== BigInt(answered)) corrupted += 1;
    const roundTripMs = now - (sentAt[answered] ?? now);
    roundTripsMs.push(roundTripMs);
    if (roundTripMs > longestMs) {
      longestMs = roundTripMs;
      longestAt = Date.now() - roundTripMs;
    }
    answered += 1;
    pending = pending.subarray(BYTES);
  }
  if (stopping && answered === sentAt.length) report();
});
socket.on('error', error => {
  lost = error.message;
  report();
});
socket.on('close', () => {
  if (!stopping) lost = 'closed by the server';
  report();
});
process.on('SIGTERM', stop);
process.stdin.on('end', stop).on('error', stop).resume();
setTimeout(stop, Number(maxSeconds) * 1000).unref();

let next = performance.now();
function send(): void {
  if (stopping || lost !== undefined) return;
  const message = Buffer.alloc(BYTES);
  message.writeBigUInt64BE(BigInt(sentAt.length));
  sentAt.push(performance.now());
  socket.write(message);
  next += EVERY_MS;
  setTimeout(send, Math.max(0, next - performance.now()));
}

function stop(): void {
  if (stopping) return;
  stopping = true;
  if (answered === sentAt.length) report();
  else setTimeout(report, LAST_ANSWERS_MS);
}

let reported = false;
function report(): void {
  if (reported) return;
  reported = true;
  roundTripsMs.sort((a, b) => a - b);
  const median = roundTripsMs[roundTripsMs.length >> 1] ?? 0;
  const result = {
    sent: sentAt.length,
    answered,
    corrupted,
    lost: lost ?? null,
    longestMs: Math.round(longestMs * 10) / 10,
    longestAt: Math.round(longestAt),
    medianMs: Math.round(median * 1000) / 1000,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
}
