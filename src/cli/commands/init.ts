import type { Define } from '../command-table.ts';
import { createInstance, createOptions } from '../instance/create.ts';
import type { CreateOptions } from '../instance/create-request.ts';
import { type SetUpOptions, setUp } from '../setup/set-up.ts';

/** Two things under one word, as LXD has them in two programs: `lxc init IMAGE` and `lxd init`. */
export const define: Define = (command, session) => {
  createOptions(command)
    .usage('[REMOTE:]IMAGE [REMOTE:][NAME] [options]\n       berth init [--preseed | --auto | --dump]')
    .argument('[image]', 'an image of the server, or STORE:IMAGE; without it the server is set up, with questions')
    .argument('[name]', 'the new instance; without it the server makes up a name')
    .option('--preseed', 'set the server up from YAML on standard input')
    .option('--auto', 'set the server up with the default answers')
    .option('--dump', 'print the server as YAML for --preseed')
    .action(async (image: string | undefined, name: string | undefined, options: CreateOptions & SetUpOptions) => {
      if (image === undefined && !options.empty) return setUp(session, options);
      await createInstance(
        session,
        [image, name].filter(word => word !== undefined),
        options,
      );
    });
};
