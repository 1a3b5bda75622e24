/**
 * The client of a program that moves, in the namespace of clients: asks every few milliseconds, one question at a time, and
 * keeps the longest time that it waited for an answer. Told `mark` on stdin it says that time, as soon as it has the answer it
 * waits for, and begins anew; told `end` it ends its session. Each is answered by a line of JSON; so is the first thing that
 * goes wrong.
 *
 *   node client.ts TALK HOST PORT [COMMAND ...]
 */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { http } from './talk/http.ts';
import { lines } from './talk/lines.ts';
import { postgres } from './talk/postgres.ts';
import { redis } from './talk/redis.ts';
import { shell } from './talk/shell.ts';
import type { Talk } from './talk/talk.ts';
import { udp } from './talk/udp.ts';

const EVERY_MS = 5;

const [kind = '', host = '', port = '0', ...command] = process.argv.slice(2);

const TALKS: Readonly<Record<string, () => Promise<Talk>>> = {
  http: () => http(host, Number(port), false),
  'http-once': () => http(host, Number(port), true),
  postgres: () => postgres(host),
  redis: () => redis(host),
  lines: () => lines(host, Number(port)),
  udp: () => udp(host, Number(port)),
  shell: () => shell(command),
};

const say = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
let asked = 0;
let longestMs = 0;
let marked = false;
let ending = false;

try {
  const talk = await TALKS[kind]!();
  createInterface({ input: process.stdin })
    .on('line', word => {
      if (word === 'end') ending = true;
      else marked = true;
    })
    .on('close', () => {
      ending = true;
    });
  await talk.ask();
  say({ ready: true });
  while (!ending) {
    const begun = performance.now();
    await talk.ask();
    asked += 1;
    longestMs = Math.max(longestMs, performance.now() - begun);
    if (marked) {
      say({ asked, longestMs });
      [marked, longestMs] = [false, 0];
    }
    await sleep(EVERY_MS);
  }
  say({ asked, remark: await talk.end() });
  process.exit(0);
} catch (error) {
  say({ asked, error: (error as Error).message });
  process.exit(1);
}
