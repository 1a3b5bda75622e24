import { Option } from 'commander';
import type { Define } from '../command-table.ts';
import { type AddOptions, addServer, serverUrl } from '../remotes/add-remote.ts';
import {
  PROTOCOLS,
  removeRemote,
  renameRemote,
  STATIC_REMOTES,
  setRemoteUrl,
  switchRemote,
} from '../remotes/remote.ts';
import { type Format, formatOption, renderList } from '../render/table.ts';

export const define: Define = (command, session) => {
  const sub = (name: string, summary: string) => command.command(name).description(summary);
  sub('list', 'List the servers this tool knows')
    .alias('ls')
    .addOption(formatOption())
    .action(async ({ format }: { format: Format }) => {
      const { remotes, defaultRemote } = await session.remotes();
      const yes = (value: boolean) => (value ? 'YES' : 'NO');
      const rows = Object.entries(remotes)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, r]) => [
          name === defaultRemote ? `${name} (current)` : name,
          r.addr,
          r.protocol,
          yes(r.public),
          yes(Object.hasOwn(STATIC_REMOTES, name)),
        ]);
      session.print(
        await renderList({ headers: ['NAME', 'URL', 'PROTOCOL', 'PUBLIC', 'STATIC'], rows, raw: remotes }, format),
      );
    });
  sub('add', 'Make a server known')
    .usage('[NAME] ADDRESS|TOKEN [options]')
    .argument('<words...>', 'a name for it (else its host name); HOST, HOST:PORT, an https URL or a trust token')
    .option('--token <token>', 'from `config trust add` on the server')
    .option('--password <password>', "the server's trust password")
    .option('--accept-certificate', "believe the server's certificate without asking")
    .option('--public', 'a public image server: needs no trust')
    .addOption(new Option('--protocol <protocol>', 'what it speaks').choices(PROTOCOLS).default('lxd'))
    .action(async (words: readonly string[], options: AddOptions) => {
      const [name, where] = words.length === 1 ? [undefined, words[0]!] : [words[0]!, words[1]!];
      const project = session.flags.project;
      await addServer(session, name, where, project === undefined ? options : { ...options, project });
    });
  sub('remove', 'Forget a server')
    .alias('rm')
    .argument('<remote>')
    .action(async (name: string) => {
      await session.saveRemotes(removeRemote(await session.remotes(), name));
      const { removePin } = await import('../remotes/server-certificate.ts');
      await removePin(session.io.env, name);
    });
  sub('rename', 'Call a server otherwise')
    .alias('mv')
    .argument('<remote>')
    .argument('<new-name>')
    .action(async (from: string, to: string) => {
      const changed = renameRemote(await session.remotes(), from, to);
      const { renamePin } = await import('../remotes/server-certificate.ts');
      await renamePin(session.io.env, from, to);
      await session.saveRemotes(changed);
    });
  sub('set-url', 'Change the address of a server; its pinned certificate stays')
    .argument('<remote>')
    .argument('<url>')
    .action(async (name: string, url: string) => {
      const remotes = await session.remotes();
      await session.saveRemotes(setRemoteUrl(remotes, name, serverUrl(url, remotes.remotes[name]?.protocol)));
    });
  sub('switch', 'Choose the server that is meant when none is named')
    .alias('set-default')
    .argument('<remote>')
    .action(async (name: string) => session.saveRemotes(switchRemote(await session.remotes(), name)));
  sub('get-default', 'Print which server is meant when none is named').action(async () =>
    session.print((await session.remotes()).defaultRemote),
  );
};
