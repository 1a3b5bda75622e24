/** One instance moved to and fro, and what came of each move. */
import type { Client } from '../../src/cli/api/client.ts';
import { type Operation, untilFinal } from '../../src/cli/api/operation.ts';
import { at } from '../../src/cli/api/path.ts';
import { movePhases } from '../../src/cli/instance/move-phases.ts';
import type { LoadClient } from './client.ts';

export interface Move {
  /** Longest wait of the client, ms. */
  readonly pauseMs: number;
  /** Longest gap of the clock inside, ms. */
  readonly insideMs: number;
  /** Until the operation was over, the tail of a post-copy with it. */
  readonly totalMs: number;
  readonly predictedPauseMs: number;
  readonly mode: string;
  /** ms of what the pause consists of, in order. */
  readonly phases: Readonly<Record<string, number>>;
  /** That went over the wire: images, volume while frozen, memory that followed. */
  readonly bytes: number;
}

export interface Trial {
  readonly moves: readonly Move[];
  readonly failures: readonly string[];
}

/** Between moves: longer than a client's retransmission would take to show, and the machine comes to rest. */
const REST_MS = 300;

export async function moveToAndFro(
  api: Client,
  client: LoadClient,
  name: string,
  { times, mode }: { readonly times: number; readonly mode: string },
): Promise<Trial> {
  const moves: Move[] = [];
  const failures: string[] = [];
  let on = 1;
  for (let index = 0; index < times; index += 1) {
    await rest();
    await client.mark();
    const target = `n${3 - on}`;
    const started = performance.now();
    const operation = await move(api, name, target, mode);
    const totalMs = performance.now() - started;
    if (operation.status_code !== 200) failures.push(operation.err);
    else on = 3 - on;
    await rest();
    const { longestMs, insideMs } = await client.mark();
    if (operation.status_code === 200)
      moves.push({ pauseMs: longestMs, insideMs, totalMs, ...detailsOf(operation.metadata ?? {}) });
  }
  const { wrongPages } = await client.check();
  if (wrongPages !== 0) failures.push(`${wrongPages} pages of memory are wrong`);
  return { moves, failures };
}

async function move(api: Client, name: string, target: string, mode: string): Promise<Operation> {
  const body = { name, migration: true, live: true, 'berth.mode': mode };
  const answer = await api.send('POST', at`instances/${name}`, { body, query: { target } });
  if (answer.kind !== 'async') throw new Error('asked for a move, but got no operation');
  return untilFinal(api, answer.operation);
}

function detailsOf(metadata: Readonly<Record<string, unknown>>) {
  const found = movePhases(metadata);
  if (found === undefined) throw new Error('the move left no times in its operation');
  const { images = 0, volume = 0 } = (metadata['berth.bytes'] ?? {}) as Readonly<Record<string, number>>;
  return {
    mode: found.mode,
    predictedPauseMs: found.predictedMs ?? 0,
    phases: found.phases,
    bytes: images + volume + (found.memory?.bytes ?? 0),
  };
}

const rest = () => new Promise(resolve => setTimeout(resolve, REST_MS));
