import { fail } from '../../domain/errors.ts';
import { at } from '../api/path.ts';
import type { Define } from '../command-table.ts';
import { parseKeyValues } from '../input/key-value.ts';

interface Options {
  readonly alias?: readonly string[];
  readonly compression?: string;
  readonly expire?: string;
  readonly force?: true;
  readonly public?: true;
  readonly reuse?: true;
}

interface Instance {
  readonly status: string;
  readonly ephemeral: boolean;
}

export const define: Define = (command, session) => {
  command
    .usage('[REMOTE:]INSTANCE[/SNAPSHOT] [key=value...] [options]')
    .argument('<instance>', 'a stopped instance, or a snapshot of one')
    .argument('[key=value...]', 'properties of the image')
    .option('--alias <name...>', 'call the image so')
    .option('--compression <algorithm>', 'none, gzip, xz, zstd, bzip2 or lzma')
    .option('--expire <time>', 'when the image may be deleted (RFC 3339)')
    .option('-f, --force', 'stop the instance if it runs, and start it again afterwards')
    .option('--public', 'whoever can reach the server may have it')
    .option('--reuse', 'take the aliases from the image that has them')
    .action(async (reference: string, words: readonly string[], options: Options) => {
      const { client, name } = await session.resolve(reference);
      const isSnapshot = name.includes('/');
      const state = async (action: 'start' | 'stop') => {
        const body = { action, timeout: -1, force: true };
        await session.perform(client, action === 'stop' ? `Stopping ${name}` : `Starting ${name}`, () =>
          client.send('PUT', at`instances/${name}/state`, { body }),
        );
      };
      const { status, ephemeral } = isSnapshot
        ? { status: 'Stopped', ephemeral: false }
        : await client.get<Instance>(at`instances/${name}`);
      const runs = status !== 'Stopped';
      if (runs && options.force !== true)
        fail('invalid', 'The instance is running: stop it first, or publish with --force');
      if (runs && ephemeral)
        fail('invalid', 'An ephemeral instance is gone when it is stopped: publish a snapshot of it');
      for (const alias of options.alias ?? []) {
        if ((await client.find(at`images/aliases/${alias}`)) === undefined) continue;
        if (options.reuse !== true) fail('exists', `Alias already exists: ${alias}`);
        await client.send('DELETE', at`images/aliases/${alias}`);
      }
      const body = {
        source: { type: isSnapshot ? 'snapshot' : 'instance', name },
        public: options.public === true,
        properties: parseKeyValues(words),
        compression_algorithm: options.compression ?? '',
        aliases: (options.alias ?? []).map(alias => ({ name: alias, description: '' })),
        ...(options.expire === undefined ? {} : { expires_at: options.expire }),
      };
      if (runs) await state('stop');
      try {
        const done = await session.perform(client, `Publishing ${name}`, () =>
          client.send('POST', at`images`, { body }),
        );
        session.print(`Instance published with fingerprint: ${done?.metadata?.fingerprint}`);
      } finally {
        if (runs) await state('start');
      }
    });
};
