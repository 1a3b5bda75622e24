/**
 * A client program of ours in the namespace of clients: it says `{"connected":true}` when it is, works until its standard input
 * ends (so it ends with us, too), and then prints what came of it as one line of JSON.
 */
import { spawn } from 'node:child_process';
import { CLIENT, type Cluster } from './cluster.ts';

export interface ClientProcess<T> {
  /** Ends it, and returns what it says. */
  stop(): Promise<T>;
  kill(): void;
}

/** @param program path of a TypeScript file. Resolves when it is connected. @throws Error with its output if it ends before */
export async function startClient<T>(
  cluster: Cluster,
  program: string,
  words: readonly string[],
): Promise<ClientProcess<T>> {
  const [file, ...args] = cluster.hostCommand(CLIENT, [process.execPath, program, ...words]);
  const child = spawn(file!, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  const ended = new Promise<void>(done => child.once('close', () => done()));
  await new Promise<void>((done, failed) => {
    child.stdout.on('data', chunk => {
      output += chunk;
      if (output.includes('"connected":true')) done();
    });
    child.once('exit', () => failed(new Error(`a client could not connect (${words.join(' ')}): ${output}`)));
  });
  return {
    stop: async () => {
      child.stdin.end();
      await ended;
      return JSON.parse(output.trim().split('\n').at(-1)!) as T;
    },
    kill: () => void child.kill('SIGKILL'),
  };
}
