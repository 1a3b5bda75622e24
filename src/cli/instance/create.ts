import type { Command } from 'commander';
import { AppError } from '../../domain/errors.ts';
import type { Placement } from '../../domain/placement.ts';
import type { Client } from '../api/client.ts';
import type { Devices } from '../api/instance.ts';
import { at, lastSegment } from '../api/path.ts';
import { DRY_RUN, requireExtension } from '../api/server.ts';
import { imageSource } from '../image/source.ts';
import { collect } from '../input/key-value.ts';
import { withoutVms } from '../input/no-vm.ts';
import { readOptionalStdin } from '../input/stdin.ts';
import { parseReference } from '../remotes/reference.ts';
import { parseYaml } from '../render/yaml.ts';
import type { Session } from '../session.ts';
import {
  type CreateOptions,
  type CreateRequest,
  createRequest,
  type InstanceDocument,
  needsInherited,
} from './create-request.ts';
import { renderPlacement } from './placement.ts';

/** What launch and init share: the options, and making the instance. */
export function createOptions(command: Command): Command {
  return withoutVms(command)
    .option('-c, --config <key=value>', 'configuration of the instance (repeatable)', collect)
    .option(
      '-d, --device <name,key=value>',
      'add a device, or change a key of one that a profile brings (repeatable)',
      collect,
    )
    .option('-p, --profile <name>', 'profile to apply (repeatable)', collect)
    .option('--no-profiles', 'apply no profile')
    .option('-n, --network <name>', 'network of the first card')
    .option('-s, --storage <pool>', 'storage pool of the root disk')
    .option('-e, --ephemeral', 'delete the instance when it stops')
    .option('--empty', 'create it without an image')
    .option('--description <text>', 'what it is for')
    .option('-t, --type <type>', 'instance type, e.g. c2-m4')
    .option('--target <host>', 'the host it must be on')
    .option('--dry-run', 'say which host would be chosen, and why; create nothing');
}

export interface Created {
  readonly client: Client;
  readonly name: string;
}

/** Undefined after a dry run. */
export async function createInstance(
  session: Session,
  words: readonly string[],
  options: CreateOptions,
): Promise<Created | undefined> {
  const { image, instance } = nameArguments(words, options);
  const remotes = await session.remotes();
  const { remote, name } = parseReference(instance ?? '', remotes);
  const client = await session.client(remote);
  const document = await readDocument(session);
  const source = image === undefined ? { type: 'none' } : await imageSource(session, image, remote);
  const inherited = needsInherited(options)
    ? await profileDevices(
        client,
        options.profiles === false ? [] : (options.profile ?? document.profiles ?? ['default']),
      )
    : {};
  const body = createRequest(options, { name, source, document, inherited });
  if (options.dryRun) return dryRun(session, client, body, options.target);
  session.print(name === '' ? 'Creating the instance' : `Creating ${name}`);
  const operation = await session.perform(client, name === '' ? 'Creating' : `Creating ${name}`, () =>
    client.send('POST', at`instances`, { body, query: { target: options.target } }),
  );
  const made = operation?.resources?.instances?.[0] ?? operation?.resources?.containers?.[0];
  if (name === '' && made !== undefined) session.print(`Instance name is: ${lastSegment(made)}`);
  return { client, name: name || lastSegment(made ?? '') };
}

async function dryRun(
  session: Session,
  client: Client,
  body: CreateRequest,
  target: string | undefined,
): Promise<undefined> {
  await requireExtension(client, DRY_RUN, '--dry-run');
  const answer = await client.send('POST', at`instances`, { body, query: { target, 'dry-run': true } });
  if (answer.kind === 'sync') session.print(await renderPlacement(answer.metadata as Placement));
}

/** `IMAGE [NAME]`, or with --empty `[NAME]`. */
function nameArguments(
  words: readonly string[],
  options: CreateOptions,
): { readonly image: string | undefined; readonly instance: string | undefined } {
  const expected = options.empty ? 1 : 2;
  if (words.length > expected) throw new AppError('invalid', `Too many arguments: ${words.slice(expected).join(' ')}`);
  if (options.empty) return { image: undefined, instance: words[0] };
  if (words[0] === undefined)
    throw new AppError('invalid', 'Name an image, e.g. `berth launch images:debian/12 c1`, or give --empty');
  return { image: words[0], instance: words[1] };
}

/** `berth launch IMAGE NAME < instance.yaml`. */
async function readDocument(session: Session): Promise<InstanceDocument> {
  const text = await readOptionalStdin(session.io);
  if (text.trim() === '') return {};
  const document = await parseYaml(text);
  if (typeof document !== 'object' || document === null)
    throw new AppError('invalid', 'standard input must be YAML with config, devices, profiles or description');
  return document as InstanceDocument;
}

async function profileDevices(client: Client, names: readonly string[]): Promise<Devices> {
  const profiles = await Promise.all(names.map(name => client.get<{ devices: Devices | null }>(at`profiles/${name}`)));
  return Object.assign({}, ...profiles.map(profile => profile.devices ?? {}));
}
