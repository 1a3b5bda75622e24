import type { Client } from '../api/client.ts';
import type { Instance } from '../api/instance.ts';
import { at } from '../api/path.ts';
import { getServer, isClustered } from '../api/server.ts';
import type { Define } from '../command-table.ts';
import { renderInstanceInfo } from '../instance/info.ts';
import { renderYaml } from '../render/yaml.ts';
import type { Session } from '../session.ts';

interface Options {
  readonly resources?: boolean;
  readonly showLog?: boolean;
  readonly target?: string;
}

export const define: Define = (command, session) => {
  command
    .argument('[instance]', 'an instance; without it the server is described')
    .option('--show-log', 'the last lines of its log')
    .option('--resources', 'what hardware the server has')
    .option('--target <host>', 'which host of the cluster is meant')
    .action(async (instance: string | undefined, options: Options) => {
      const { client, name } = await session.resolve(instance ?? '');
      if (name === '') return session.print(await renderYaml(await describeServer(client, options)));
      await describeInstance(session, client, name, options.showLog === true);
    });
};

async function describeServer(client: Client, options: Options): Promise<unknown> {
  const query = { target: options.target };
  if (options.resources) return client.get(at`resources`, query);
  return options.target === undefined ? getServer(client) : client.get('/1.0', query);
}

async function describeInstance(session: Session, client: Client, name: string, showLog: boolean): Promise<void> {
  const [instance, clustered] = await Promise.all([
    client.get<Instance>(at`instances/${name}`, { recursion: 1 }),
    isClustered(client),
  ]);
  session.print(await renderInstanceInfo(instance, clustered));
  if (!showLog) return;
  session.print('\nLog:\n');
  for await (const chunk of await client.download(at`instances/${name}/logs/lxc.log`)) session.io.stdout.write(chunk);
}
