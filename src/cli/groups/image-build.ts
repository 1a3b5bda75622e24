import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { AppError } from '../../domain/errors.ts';
import { at } from '../api/path.ts';
import { type DebianOrder, RELEASES, VARIANTS } from '../image/debian/recipe.ts';
import { ProgressLine } from '../render/progress.ts';
import type { Session } from '../session.ts';

interface Options {
  readonly release: DebianOrder['release'];
  readonly variant: DebianOrder['variant'];
  readonly include: readonly string[];
  readonly mirror?: string;
  readonly alias?: string;
  readonly output?: string;
  readonly movable: boolean;
}

/** `image build debian`: from Debian's archive to a file, or at once into a server's images. */
export function defineImageBuild(command: Command, session: Session): void {
  command
    .usage('debian [options]')
    .argument('<distribution>', 'debian', (word: string) => {
      if (word !== 'debian') throw new InvalidArgumentError('Only debian can be built.');
      return word;
    })
    .addOption(new Option('--release <name>', 'release of Debian').choices(RELEASES).default(RELEASES[0]))
    .addOption(
      new Option('--variant <name>', 'with systemd, or with busybox as init and no services')
        .choices(VARIANTS)
        .default(VARIANTS[0]),
    )
    .option('--include <packages>', 'packages on top, separated by commas (repeatable)', parsePackages, [])
    .option('--mirror <url>', "Debian archive (default: the first of this machine's apt sources)")
    .option('--alias <[remote:]name>', 'import it under this alias')
    .option('--output <file>', 'write it to this file instead')
    .option(
      '--no-movable',
      'leave services as Debian made them, also if that keeps instances from moving while they run',
    )
    .action((_distribution: string, options: Options) => build(session, options));
}

async function build(session: Session, options: Options): Promise<void> {
  const { alias, output, mirror } = options;
  const { chooseMirrors } = await import('../image/debian/choose-mirrors.ts');
  const order: DebianOrder = { ...options, mirrors: chooseMirrors(mirror) };
  if (output !== undefined && alias === undefined) {
    await buildWatched(session, order, resolve(output));
    session.print(`Image written to ${output}`);
  } else if (alias !== undefined && output === undefined) {
    await buildAndImport(session, order, alias);
  } else {
    throw new AppError('invalid', 'Give either --alias NAME to import the image, or --output FILE');
  }
}

async function buildAndImport(session: Session, order: DebianOrder, alias: string): Promise<void> {
  const { client, remote, name } = await session.resolve(alias);
  if ((await client.find(at`images/aliases/${name}`)) !== undefined)
    // before a minute is spent on building it
    throw new AppError(
      'exists',
      `The alias "${name}" is taken: delete it (berth image alias delete), or choose another`,
    );
  const { importImage } = await import('../image/transfer.ts');
  const folder = await mkdtemp(join(tmpdir(), 'berth-image-'));
  try {
    const file = join(folder, `debian-${order.release}.tar.zst`);
    await buildWatched(session, order, file);
    await importImage(session, [file, `${remote}:`], { alias: [name] });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function parsePackages(text: string, before: readonly string[]): readonly string[] {
  const names = text.split(',').filter(name => name !== '');
  const wrong = names.find(name => !/^[a-z0-9][a-z0-9+.-]*$/.test(name));
  if (wrong !== undefined) throw new InvalidArgumentError(`"${wrong}" is not the name of a package.`);
  return [...before, ...names];
}

/** Steps and what the tools say on the terminal; Ctrl-C lets the work clean up after itself. */
async function buildWatched(session: Session, order: DebianOrder, file: string): Promise<void> {
  const { buildDebianImage } = await import('../image/debian/build.ts');
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, interrupt);
  let line: ProgressLine | undefined;
  const onStep = (what: string) => {
    line?.close();
    if (session.flags.quiet) return;
    if (session.io.stderr.isTTY) line = new ProgressLine(session.io.stderr, what);
    else session.note(what);
  };
  try {
    await buildDebianImage(order, file, { onStep, onLine: text => line?.update(text), signal: interrupted.signal });
  } finally {
    line?.close();
    for (const signal of signals) process.off(signal, interrupt);
  }
}
