import { AppError } from '../../domain/errors.ts';
import type { Client } from '../api/client.ts';
import { type Instance, STATUS } from '../api/instance.ts';
import { at } from '../api/path.ts';
import type { Session, Target } from '../session.ts';

export interface StateChange {
  readonly action: 'start' | 'stop' | 'restart' | 'freeze' | 'unfreeze';
  /** Seconds to wait before it is forced; -1: for ever. */
  readonly timeout?: number;
  readonly force?: boolean;
  readonly stateful?: boolean;
}

const DOING = {
  start: 'Starting',
  stop: 'Stopping',
  restart: 'Restarting',
  freeze: 'Freezing',
  unfreeze: 'Resuming',
} as const satisfies Record<StateChange['action'], string>;

export async function changeState(session: Session, client: Client, name: string, change: StateChange): Promise<void> {
  const body = {
    action: change.action,
    timeout: change.timeout ?? -1,
    force: change.force ?? false,
    stateful: change.stateful ?? false,
  };
  await session.perform(client, `${DOING[change.action]} ${name}`, () =>
    client.send('PUT', at`instances/${name}/state`, { body }),
  );
}

/** "start" of a frozen instance lets it run on, and one that was stopped with its state gets it back. */
export async function startInstance(session: Session, { client, name }: Target, stateless: boolean): Promise<void> {
  const instance = await client.get<Instance>(at`instances/${name}`);
  const frozen = instance.status_code === STATUS.frozen;
  await changeState(session, client, name, {
    action: frozen ? 'unfreeze' : 'start',
    stateful: instance.stateful && !stateless && !frozen,
  });
}

/** One request at a time would make ten stops ten times as slow; more than this helps nobody. */
const CONCURRENCY = 8;

/** Does the same to many instances: one that fails does not keep the others, and is named. */
export async function forEachInstance(
  session: Session,
  names: readonly string[],
  failure: string,
  work: (target: Target) => Promise<void>,
): Promise<void> {
  if (names.length === 0)
    throw new AppError('invalid', 'Name at least one instance, or give --all where there is such an option');
  if (names.length === 1) return work(await session.resolve(names[0]!));
  const waiting = [...names];
  let failed = 0;
  const worker = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      try {
        await work(await session.resolve(name));
      } catch (error) {
        failed++;
        session.note(`${name}: error: ${AppError.from(error).message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, names.length) }, worker));
  if (failed > 0) throw new AppError('internal', failure);
}

/** The instances named, or with --all every one of a remote (`r:` as the only name, else the default one) that `applies`. */
export async function chosenNames(
  session: Session,
  names: readonly string[],
  all: boolean | undefined,
  applies: (instance: Instance) => boolean,
): Promise<readonly string[]> {
  if (!all) return names;
  const { remote, name, client } = await session.resolve(names[0] ?? '');
  if (name !== '' || names.length > 1) throw new AppError('invalid', 'Both --all and instance name given');
  const instances = await client.get<readonly Instance[]>(at`instances`, { recursion: 1 });
  return instances.filter(applies).map(instance => `${remote}:${instance.name}`);
}
