import { Option } from 'commander';
import { AppError } from '../../domain/errors.ts';
import { MOVE_MODES, type MoveMode } from '../../domain/move-mode.ts';
import type { Client } from '../api/client.ts';
import { at } from '../api/path.ts';
import { DRY_RUN, MOVE_MODE, requireExtension } from '../api/server.ts';
import type { Define } from '../command-table.ts';
import { isBlocked, type MovePlan, renderMoveCheck, renderMovePlan } from '../instance/move-plan.ts';
import { moveReport } from '../instance/move-report.ts';
import { isSnapshot, newSnapshotName, pathOf } from '../instance/snapshot-path.ts';
import { parseReference } from '../remotes/reference.ts';
import type { Session } from '../session.ts';

interface Options {
  readonly target?: string;
  readonly stateless?: boolean;
  readonly mode?: MoveMode;
  readonly storage?: string;
  readonly targetProject?: string;
  readonly instanceOnly?: boolean;
  readonly detach?: boolean;
  readonly check?: boolean;
  readonly dryRun?: boolean;
}

export const define: Define = (command, session) => {
  command
    .usage('[REMOTE:]INSTANCE [[REMOTE:]NEW-NAME] [--target HOST] [options]')
    .argument('<instance>', 'what moves')
    .argument('[new-name]', 'its name afterwards; alone it makes this a rename')
    .option('--target <host>', 'the host it moves to')
    .option('--stateless', 'stop it, move it and start it again, instead of moving it while it runs')
    .addOption(
      new Option('--mode <mode>', 'how it moves while it runs; restart is the same as --stateless').choices(MOVE_MODES),
    )
    .option('-s, --storage <pool>', 'move its root disk to this pool')
    .option('--target-project <name>', 'move it to this project')
    .option('--instance-only', 'leave its snapshots behind')
    .option('--detach', 'end open exec sessions, which cannot move; daemons that they started go on')
    .option('--check', 'only tell whether it could move, and what is in the way; exits with 1 if it could not')
    .option('--dry-run', 'only tell where it would go, why, and how')
    .action(async (from: string, to: string | undefined, options: Options) => {
      const source = await session.resolve(from);
      const target =
        to === undefined ? { remote: source.remote, name: source.name } : parseReference(to, await session.remotes());
      if (target.remote !== source.remote)
        throw new AppError(
          'unsupported',
          'Moving between two servers is not possible yet: export and import an image, or join them in one cluster',
        );
      const name = target.name || source.name;
      const migrates =
        options.target !== undefined || options.storage !== undefined || options.targetProject !== undefined;
      if (options.check || options.dryRun) return tellPlan(session, source.client, source.name, name, options);
      if (!migrates && name === source.name)
        throw new AppError('invalid', 'Nothing to do: give a new name, or a host with --target');
      if (isSnapshot(source.name)) {
        const body = { name: newSnapshotName(source.name, name), migration: false };
        const send = () => source.client.send('POST', pathOf(source.name), { body });
        return void (await session.perform(source.client, `Renaming ${source.name}`, send));
      }
      if (options.mode !== undefined && options.mode !== 'restart' && migrates)
        await requireExtension(source.client, MOVE_MODE, '--mode');
      const body = migrates ? migration(name, options) : { name, migration: false };
      const operation = await session.perform(source.client, `${migrates ? 'Moving' : 'Renaming'} ${source.name}`, () =>
        source.client.send('POST', at`instances/${source.name}`, { body, query: { target: options.target } }),
      );
      const report = moveReport(name, options.target ?? '', operation);
      if (report !== undefined) session.print(report);
    });
};

function migration(name: string, options: Options): object {
  return {
    name,
    migration: true,
    live: !options.stateless && options.mode !== 'restart',
    ...(options.mode === undefined ? {} : { 'berth.mode': options.mode }),
    ...(options.detach ? { 'berth.detach': true } : {}),
    instance_only: options.instanceOnly === true,
    ...(options.storage === undefined ? {} : { pool: options.storage }),
    ...(options.targetProject === undefined ? {} : { project: options.targetProject }),
  };
}

async function tellPlan(
  session: Session,
  client: Client,
  instance: string,
  name: string,
  options: Options,
): Promise<void> {
  await requireExtension(client, DRY_RUN, options.check ? '--check' : '--dry-run');
  const answer = await client.send('POST', at`instances/${instance}`, {
    body: migration(name, options),
    query: { target: options.target, 'dry-run': true },
  });
  if (answer.kind === 'async')
    throw new AppError('internal', 'the server did more than it was asked: it moves the instance');
  const plan = answer.metadata as MovePlan;
  session.print(options.check ? await renderMoveCheck(instance, plan) : await renderMovePlan(instance, plan));
  if (isBlocked(plan)) session.exitCode = 1;
}
