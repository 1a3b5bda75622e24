/** A client on the segment, with one connection to an instance's `load`, asked every 2 ms. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { CLIENT, type Cluster } from '../../deploy/local-cluster/cluster.ts';

/** Since the last mark. */
export interface Mark {
  readonly asked: number;
  /** Longest wait for an answer: the pause as seen from outside. */
  readonly longestMs: number;
  /** Longest gap of the clock inside. */
  readonly insideMs: number;
  /** Of a check: pages of memory that are not as they were written. */
  readonly wrongPages?: number;
}

export interface LoadClient {
  mark(): Promise<Mark>;
  check(): Promise<Mark>;
  stop(): void;
}

const CONNECT_MS = 60_000;

/** @throws Error if there is no answer within a minute; its methods do when the connection is lost */
export async function connectClient(cluster: Cluster, program: string, address: string): Promise<LoadClient> {
  const until = performance.now() + CONNECT_MS;
  for (;;) {
    const client = await tryToConnect(cluster, program, address);
    if (client !== undefined) return client;
    if (performance.now() > until) throw new Error(`nothing answers at ${address}`);
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}

async function tryToConnect(cluster: Cluster, program: string, address: string): Promise<LoadClient | undefined> {
  const [file, ...args] = cluster.hostCommand(CLIENT, [program, address, '7']);
  const child = spawn(file!, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => JSON.parse((await lines.next()).value ?? '{"lost":"ended"}') as Mark & { lost?: string };
  child.stdin.on('error', () => {}); // it has ended: `next` says so
  if ((await next()).lost !== undefined) return undefined;
  const ask = async (what: string): Promise<Mark> => {
    child.stdin.write(`${what}\n`);
    const answer = await next();
    if (answer.lost !== undefined) throw new Error(`the connection was lost: ${answer.lost}`);
    return answer;
  };
  return { mark: () => ask('mark'), check: () => ask('check'), stop: () => child.kill() };
}
