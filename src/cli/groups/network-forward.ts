import type { Command } from 'commander';
import { AppError } from '../../domain/errors.ts';
import { at } from '../api/path.ts';
import { type Fields, update, writable } from '../api/update.ts';
import { editYaml } from '../input/edit.ts';
import { parseKeyValues, parseSettings } from '../input/key-value.ts';
import { type Format, formatOption, renderList } from '../render/table.ts';
import { renderYaml } from '../render/yaml.ts';
import type { Session } from '../session.ts';
import { withSettings } from './settings.ts';

interface Port {
  readonly protocol: string;
  readonly listen_port: string;
  readonly target_port?: string;
  readonly target_address: string;
  readonly description?: string;
}

interface Forward {
  readonly listen_address: string;
  readonly location?: string;
  readonly description: string;
  readonly config: Readonly<Record<string, string>> | null;
  readonly ports: readonly Port[] | null;
}

/** The `forward` group of `network`: addresses outside that lead to instances. */
export function defineNetworkForward(parent: Command, session: Session): void {
  const group = parent.command('forward').description('Manage addresses outside that lead to instances');
  const named = (command: Command) => command.argument('<network>').argument('<listen-address>');
  const targeted = (command: Command) =>
    command.option('--target <host>', 'taken for the sake of scripts: a forward is wherever its target runs');
  const sub = (name: string, summary: string) => named(targeted(group.command(name).description(summary)));
  const find = async (reference: string, listen: string) => {
    const { client, name } = await session.resolve(reference);
    return { client, name, path: at`networks/${name}/forwards/${listen}` };
  };
  const change = async (reference: string, listen: string, work: (before: Fields) => Fields) => {
    const { client, path } = await find(reference, listen);
    await update(session, client, 'forward', path, work);
  };

  group
    .command('list')
    .alias('ls')
    .description('List the forwards of a network')
    .argument('<network>')
    .addOption(formatOption())
    .action(async (reference: string, { format }: { format: Format }) => {
      const { client, name } = await session.resolve(reference);
      const found = await client.get<readonly Forward[]>(at`networks/${name}/forwards`, { recursion: 1 });
      const headers = ['LISTEN ADDRESS', 'DESCRIPTION', 'DEFAULT TARGET ADDRESS', 'PORTS'];
      const rows = found.map(each => [
        each.listen_address,
        each.description,
        each.config?.target_address ?? '',
        String(each.ports?.length ?? 0),
      ]);
      session.print(await renderList({ headers, rows, raw: found }, format));
    });
  sub('show', 'Show a forward').action(async (reference: string, listen: string) => {
    const { client, path } = await find(reference, listen);
    session.print(await renderYaml(await client.get(path)));
  });
  sub('create', 'Make a forward')
    .argument('[key=value...]', 'target_address=ADDRESS: where everything goes that no port says otherwise')
    .action(async (reference: string, listen: string, words: readonly string[]) => {
      const { client, name } = await session.resolve(reference);
      const body = { listen_address: listen, config: parseKeyValues(words), description: '', ports: [] };
      await session.perform(client, `Creating ${listen}`, () =>
        client.send('POST', at`networks/${name}/forwards`, { body }),
      );
      session.print(`Network forward ${listen} created`);
    });
  named(group.command('get').description('Print the value of a key'))
    .argument('<key>')
    .action(async (reference: string, listen: string, key: string) => {
      const { client, path } = await find(reference, listen);
      session.print((await client.get<Forward>(path)).config?.[key] ?? '');
    });
  sub('set', 'Set keys')
    .argument('<key=value...>')
    .action((reference: string, listen: string, words: readonly string[]) =>
      change(reference, listen, before => withSettings(before, parseSettings(words))),
    );
  named(group.command('unset').description('Take a key away'))
    .argument('<key>')
    .action((reference: string, listen: string, key: string) =>
      change(reference, listen, before => withSettings(before, { [key]: '' })),
    );
  sub('edit', 'Edit it as YAML, in the editor or from standard input').action(
    async (reference: string, listen: string) => {
      const { client, path } = await find(reference, listen);
      const { value, etag } = await client.getTagged<Fields>(path);
      await editYaml(
        session,
        writable('forward', value),
        `This is the forward ${listen}. Lines that begin with # are left out.`,
        async edited => {
          await session.perform(client, 'Updating', () =>
            client.send('PUT', path, { body: writable('forward', edited), etag }),
          );
        },
      );
    },
  );
  sub('delete', 'Delete a forward')
    .alias('rm')
    .action(async (reference: string, listen: string) => {
      const { client, path } = await find(reference, listen);
      await session.perform(client, `Deleting ${listen}`, () => client.send('DELETE', path));
      session.print(`Network forward ${listen} deleted`);
    });

  const ports = group.command('port').description('Manage the ports of a forward');
  const portsOf = (before: Fields) => (before.ports as readonly Port[] | null) ?? [];
  targeted(named(ports.command('add').description('Lead ports to an instance')))
    .argument('<protocol>', 'tcp or udp')
    .argument('<listen-ports>', '80, 80,443 or 8000-8010')
    .argument('<target-address>')
    .argument('[target-ports]', 'as many, or one; default: the same')
    .action((reference: string, listen: string, protocol: string, from: string, target: string, to = '') =>
      change(reference, listen, before => {
        const port = { description: '', protocol, listen_port: from, target_port: to, target_address: target };
        return { ...before, ports: [...portsOf(before), port] };
      }),
    );
  targeted(named(ports.command('remove').alias('rm').description('Take ports away')))
    .argument('[protocol]')
    .argument('[listen-ports]')
    .option('--force', 'all that match, if there are several')
    .action(
      (
        reference: string,
        listen: string,
        protocol: string | undefined,
        from: string | undefined,
        { force }: { force?: boolean },
      ) =>
        change(reference, listen, before => {
          const all = portsOf(before);
          const gone = all.filter(
            port =>
              (protocol === undefined || port.protocol === protocol) &&
              (from === undefined || port.listen_port === from),
          );
          if (gone.length === 0) throw new AppError('not-found', 'No port of the forward matches');
          if (gone.length > 1 && !force)
            throw new AppError('invalid', 'Several ports match; name protocol and listen ports, or use --force');
          return { ...before, ports: all.filter(port => !gone.includes(port)) };
        }),
    );
}
