import { AppError } from '../../domain/errors.ts';
import type { Client } from '../api/client.ts';
import { at } from '../api/path.ts';
import { DOCTOR, requireExtension } from '../api/server.ts';
import type { Define } from '../command-table.ts';
import { type Format, formatOption, renderList } from '../render/table.ts';

interface Check {
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  readonly advice: string;
}

interface Examined {
  readonly host: string;
  readonly checks: readonly Check[];
}

interface Options {
  readonly format: Format;
  readonly problems?: boolean;
}

export const define: Define = (command, session) => {
  command
    .argument('[host]', 'one host; all of them without it')
    .option('--problems', 'only what is not in order')
    .addOption(formatOption())
    .action(async (reference: string | undefined, options: Options) => {
      const { client, name } = await session.resolve(reference ?? '');
      await requireExtension(client, DOCTOR, 'doctor');
      const hosts = name === '' ? await hostNames(client) : [name];
      const all = await Promise.all(hosts.map(host => examine(client, host)));
      const shown = all.map(({ host, checks }) => ({
        host,
        checks: checks.filter(check => !options.problems || check.status !== 'ok'),
      }));
      const rows = shown.flatMap(({ host, checks }) =>
        checks.map(c => [host, c.name, c.status.toUpperCase(), c.detail, c.advice]),
      );
      session.print(
        await renderList(
          { headers: ['HOST', 'CHECK', 'STATUS', 'DETAIL', 'ADVICE'], rows, raw: shown },
          options.format,
        ),
      );
      if (all.some(({ checks }) => checks.some(check => check.status === 'fail'))) session.exitCode = 1;
    });
};

async function hostNames(client: Client): Promise<readonly string[]> {
  const members = await client.get<readonly { server_name: string }[]>(at`cluster/members`, { recursion: 1 });
  if (members.length === 0)
    throw new AppError(
      'not-found',
      'There is no host yet: `berth cluster add NAME` prints a token, `berth agent join TOKEN` uses it on the machine',
    );
  return members.map(member => member.server_name).toSorted();
}

/** A host that cannot be asked is a finding of its own. */
async function examine(client: Client, host: string): Promise<Examined> {
  try {
    const { checks } = await client.get<{ checks: readonly Check[] }>(at`cluster/members/${host}/doctor`);
    return { host, checks };
  } catch (error) {
    const { code, message } = AppError.from(error);
    if (code === 'not-found') throw error;
    return {
      host,
      checks: [
        {
          name: 'reachable',
          status: 'fail',
          detail: message,
          advice: 'look whether the agent runs there: systemctl status berth-agent',
        },
      ],
    };
  }
}
