import type { Define } from '../command-table.ts';
import { runConsole } from '../exec/run-command.ts';
import { changeState } from '../instance/change-state.ts';
import { createInstance, createOptions } from '../instance/create.ts';
import type { CreateOptions } from '../instance/create-request.ts';

export const define: Define = (command, session) => {
  createOptions(command)
    .usage('[REMOTE:]IMAGE [REMOTE:][NAME] [options]')
    .option('--console', 'log in to it afterwards')
    .argument('[image]', 'an image of the server, or STORE:IMAGE')
    .argument('[name]', 'the new instance; without it the server makes up a name')
    .addHelpText(
      'after',
      '\nExamples:\n  berth launch images:debian/12 web1\n  berth launch debian web2 --target n2 -c limits.memory=1GiB\n  berth launch debian web3 < web.yaml',
    )
    .action(
      async (
        image: string | undefined,
        name: string | undefined,
        options: CreateOptions & { readonly console?: true },
      ) => {
        const created = await createInstance(
          session,
          [image, name].filter(word => word !== undefined),
          options,
        );
        if (created === undefined) return;
        session.print(`Starting ${created.name}`);
        await changeState(session, created.client, created.name, { action: 'start' });
        if (options.console) await runConsole(session.io, created);
      },
    );
};
