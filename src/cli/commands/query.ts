import { text } from 'node:stream/consumers';
import { AppError } from '../../domain/errors.ts';
import type { Operation } from '../api/operation.ts';
import type { Define } from '../command-table.ts';
import { readStdin } from '../input/stdin.ts';
import { parseReference } from '../remotes/reference.ts';

interface Options {
  readonly request: string;
  readonly data?: string;
  readonly wait?: boolean;
  readonly raw?: boolean;
}

export const define: Define = (command, session) => {
  command
    .usage('[REMOTE:]PATH [options]')
    .argument('<path>', 'e.g. /1.0/instances?recursion=1')
    .option('-X, --request <method>', 'GET, PUT, POST, PATCH or DELETE', 'GET')
    .option('-d, --data <json>', 'what to send; "-" reads it from standard input')
    .option('--wait', 'wait until the operation is over, and print it')
    .option('--raw', 'print the answer as it came')
    .action(async (words: string, options: Options) => {
      const { remote, name: path } = words.startsWith('/')
        ? { remote: (await session.remotes()).defaultRemote, name: words }
        : parseReference(words, await session.remotes());
      if (!path.startsWith('/')) throw new AppError('invalid', 'Query path must start with /');
      const client = await session.client(remote);
      const data = options.data === '-' ? await readStdin(session.io) : options.data;
      const body = data === undefined || data === '' ? {} : { body: parseJson(data) };
      if (options.raw) return session.print(await text(await client.open(options.request, path, body)));
      const answer = await client.send(options.request, path, body);
      const result =
        answer.kind === 'sync'
          ? answer.metadata
          : options.wait
            ? await session.perform(client, 'Waiting', async () => answer)
            : answer.operation;
      if (hasContent(result))
        session.print(typeof result === 'string' ? result : JSON.stringify(result, undefined, '\t'));
    });
};

function hasContent(result: unknown | Operation): boolean {
  return result !== null && result !== undefined && JSON.stringify(result) !== '{}';
}

function parseJson(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch (error) {
    throw new AppError('invalid', `--data is not JSON: ${(error as Error).message}`, error);
  }
}
