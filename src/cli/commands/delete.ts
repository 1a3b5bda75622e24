import { AppError } from '../../domain/errors.ts';
import { type Instance, STATUS } from '../api/instance.ts';
import type { Define } from '../command-table.ts';
import { ask } from '../input/ask.ts';
import { changeState, forEachInstance } from '../instance/change-state.ts';
import { isSnapshot, pathOf } from '../instance/snapshot-path.ts';
import type { Session, Target } from '../session.ts';

interface Options {
  readonly force?: boolean;
  readonly interactive?: boolean;
}

export const define: Define = (command, session) => {
  command
    .argument('<instance...>', 'the instances, or instance/snapshot')
    .option('-f, --force', 'also if it runs')
    .option('-i, --interactive', 'ask before')
    .action(async (names: readonly string[], options: Options) => {
      for (const name of options.interactive ? names : []) {
        if ((await ask(session.io, `Remove ${name} (yes/no): `)) !== 'yes')
          throw new AppError('cancelled', 'User aborted delete operation');
      }
      await forEachInstance(session, names, 'Some instances failed to delete', target =>
        deleteInstance(session, target, options.force === true),
      );
    });
};

async function deleteInstance(session: Session, { client, name }: Target, force: boolean): Promise<void> {
  const path = pathOf(name);
  if (isSnapshot(name)) {
    await session.perform(client, `Deleting ${name}`, () => client.send('DELETE', path));
    return;
  }
  const instance = await client.get<Instance>(path);
  if (instance.status_code !== STATUS.stopped && instance.status_code !== STATUS.error) {
    if (!force) throw new AppError('invalid', 'The instance is currently running, stop it first or pass --force');
    await changeState(session, client, name, { action: 'stop', force: true });
    if (instance.ephemeral) return;
  }
  await session.perform(client, `Deleting ${name}`, () => client.send('DELETE', path));
}
