import { type Command, Option } from 'commander';
import { AppError } from '../../domain/errors.ts';
import { at } from '../api/path.ts';
import { confirm } from '../input/ask.ts';
import type { Session } from '../session.ts';

/** `evacuate` and `restore`, at the top level and under `cluster`. */
export function defineEvacuate(command: Command, session: Session): void {
  command
    .argument('<host>', 'the host to empty')
    .option('-f, --force', 'do not ask')
    .addOption(
      new Option('--action <action>', 'what happens to its instances (default: what each one says)').choices([
        'auto',
        'migrate',
        'live-migrate',
        'stop',
      ]),
    )
    .action((host: string, options: { force?: boolean; action?: string }) =>
      changeMember(session, host, 'evacuate', options.action ?? '', options.force === true),
    );
}

export function defineRestore(command: Command, session: Session): void {
  command
    .argument('<host>', 'the host')
    .option('-f, --force', 'do not ask')
    .action((host: string, options: { force?: boolean }) =>
      changeMember(session, host, 'restore', '', options.force === true),
    );
}

export async function changeMember(
  session: Session,
  reference: string,
  action: 'evacuate' | 'restore',
  mode: string,
  force: boolean,
): Promise<void> {
  const { client, name } = await session.resolve(reference);
  if (!force && !(await confirm(session.io, `Are you sure you want to ${action} cluster member "${name}"?`, false))) {
    throw new AppError('cancelled', 'User aborted');
  }
  const label = action === 'evacuate' ? `Evacuating ${name}` : `Restoring ${name}`;
  await session.perform(client, label, () =>
    client.send('POST', at`cluster/members/${name}/state`, { body: { action, mode } }),
  );
}
