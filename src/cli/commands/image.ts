import { at } from '../api/path.ts';
import { type Fields, writable } from '../api/update.ts';
import type { Define } from '../command-table.ts';
import { defineAliasCommands } from '../groups/alias.ts';
import { defineImageBuild } from '../groups/image-build.ts';
import { defineImageProperties } from '../groups/image-property.ts';
import { DEFAULT_IMAGE_COLUMNS, type Image, matchesImage, parseImageColumns } from '../image/columns.ts';
import { renderImageInfo } from '../image/info.ts';
import { imageFingerprint } from '../image/source.ts';
import { copyImage, exportImage, type ImportOptions, importImage } from '../image/transfer.ts';
import { editYaml } from '../input/edit.ts';
import { collect } from '../input/key-value.ts';
import { withoutVms } from '../input/no-vm.ts';
import { splitRemote } from '../remotes/reference.ts';
import { type Format, formatOption, renderList, sortRows } from '../render/table.ts';
import { renderYaml } from '../render/yaml.ts';
import type { Session } from '../session.ts';

export const define: Define = (command, session) => {
  const sub = (name: string, summary: string) => command.command(name).description(summary);
  sub('list', 'List images')
    .alias('ls')
    .usage('[REMOTE:] [FILTER...] [options]')
    .argument('[filter...]', 'a remote; part of a fingerprint or alias; property=value')
    .option(
      '-c, --columns <letters>',
      'l alias, L all aliases, f and F fingerprint, p public, d description, a architecture, t type, s size, u uploaded',
      DEFAULT_IMAGE_COLUMNS,
    )
    .addOption(formatOption())
    .action((words: readonly string[], options: { columns: string; format: Format }) =>
      list(session, words, options.columns, options.format),
    );
  sub('import', 'Import an image: one archive, or metadata and root file system')
    .usage('FILE|URL [ROOTFS-FILE] [REMOTE:] [KEY=VALUE...] [options]')
    .argument('<words...>', 'files or an https URL; a remote; properties')
    .option('--alias <name>', 'alias for it (repeatable)', collect)
    .option('--public', 'let everybody fetch it')
    .action((words: readonly string[], options: ImportOptions) => importImage(session, words, options));
  withoutVms(sub('export', 'Write an image to a file, or two if it is split'))
    .argument('<image>')
    .argument('[target]', 'folder or file name', '')
    .action((image: string, target: string) => exportImage(session, image, target));
  withoutVms(sub('copy', 'Copy an image to another server'))
    .alias('cp')
    .argument('<image>')
    .argument('<remote:>')
    .option('--alias <name>', 'alias for the copy (repeatable)', collect)
    .option('--copy-aliases', 'with its aliases')
    .option('--public', 'let everybody fetch it')
    .option('--auto-update', 'keep it up to date')
    .action((image: string, to: string, options) => copyImage(session, image, to, options));
  withoutVms(sub('info', 'Describe an image'))
    .argument('<image>')
    .action(async (reference: string) => session.print(renderImageInfo((await find(session, reference)).image)));
  withoutVms(sub('show', 'Show what can be edited of an image, as YAML'))
    .argument('<image>')
    .action(async (reference: string) => {
      const { image } = await find(session, reference);
      session.print(await renderYaml(writable('image', image as unknown as Fields)));
    });
  sub('edit', 'Edit an image as YAML, in the editor or from standard input')
    .argument('<image>')
    .action(async (reference: string) => {
      const { client, image, path } = await find(session, reference);
      const { value, etag } = await client.getTagged<Fields>(path);
      await editYaml(
        session,
        writable('image', value),
        `This is the image ${image.fingerprint}. Lines that begin with # are left out.`,
        async edited => {
          await client.send('PUT', path, { body: writable('image', edited), etag });
        },
      );
    });
  sub('delete', 'Delete images')
    .alias('rm')
    .argument('<image...>')
    .action(async (references: readonly string[]) => {
      for (const reference of references) {
        const { client, name } = await session.resolve(reference);
        const fingerprint = await imageFingerprint(client, name);
        await session.perform(client, `Deleting ${name}`, () => client.send('DELETE', at`images/${fingerprint}`));
      }
    });
  defineImageProperties(command, session);
  defineImageBuild(sub('build', "Build an image from a distribution's archive"), session);
  defineAliasCommands(sub('alias', 'Manage aliases of images'), session);
};

async function list(session: Session, words: readonly string[], letters: string, format: Format): Promise<void> {
  const { remote, rest } = splitRemote(words, await session.remotes());
  const client = await session.client(remote);
  const columns = parseImageColumns(letters);
  const images = (await client.get<readonly Image[]>(at`images`, { recursion: 1 })).filter(image =>
    matchesImage(image, rest),
  );
  const rows = sortRows(images.map(image => columns.map(column => column.cell(image))));
  session.print(await renderList({ headers: columns.map(column => column.header), rows, raw: images }, format));
}

async function find(session: Session, reference: string) {
  const { client, name } = await session.resolve(reference);
  const image = await client.get<Image>(at`images/${await imageFingerprint(client, name)}`);
  return { client, image, path: at`images/${image.fingerprint}` };
}
