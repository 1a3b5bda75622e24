/** One client of a program that moves, from outside: started, asked how long it waited, ended. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CLIENT, type Cluster } from '../../deploy/local-cluster/cluster.ts';

const CLIENT_PROGRAM = fileURLToPath(import.meta.resolve('./client.ts'));

export interface MovingClient {
  /** ms of the longest wait for an answer since the last call. @throws Error with what went wrong for the client */
  longestMs(): Promise<number>;
  /** @returns a remark */
  end(): Promise<string>;
  kill(): void;
}

interface Said {
  readonly error?: string;
  readonly longestMs?: number;
  readonly remark?: string;
  readonly asked?: number;
}

/** Resolves when it has got its first answer. */
export async function startClient(
  cluster: Cluster,
  [talk, port]: readonly [string, number],
  address: string,
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<MovingClient> {
  const argv = [process.execPath, CLIENT_PROGRAM, talk, address, `${port}`, ...command];
  const [file, ...args] = cluster.hostCommand(CLIENT, argv);
  const child = spawn(file!, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const heard = async (): Promise<Said> => {
    const { value, done } = await lines.next();
    const said: Said = done ? { error: 'it ended without a word' } : JSON.parse(value);
    if (said.error !== undefined) throw new Error(`the client: ${said.error} (after ${said.asked} answers)`);
    return said;
  };
  const tell = async (word: string): Promise<Said> => {
    child.stdin.write(`${word}\n`);
    return heard();
  };
  child.stdin.on('error', () => {}); // it has ended: what it said last tells why
  const kill = () => void child.kill('SIGKILL');
  await heard().catch(error => {
    kill();
    throw error;
  });
  return {
    longestMs: async () => (await tell('mark')).longestMs ?? 0,
    end: async () => (await tell('end')).remark ?? '',
    kill,
  };
}
