import type { Command } from 'commander';
import { at } from '../api/path.ts';
import type { Fields } from '../api/update.ts';
import { textOf } from '../file/remote-files.ts';
import { editText, editYaml } from '../input/edit.ts';
import { type Format, formatOption, renderList } from '../render/table.ts';
import { renderYaml } from '../render/yaml.ts';
import type { Session } from '../session.ts';

/** `config metadata` and `config template`: what an image says of an instance made from it, and its files made of templates. */
export function defineMetadataCommands(parent: Command, session: Session): void {
  const metadata = parent.command('metadata').description('Manage what its image says of an instance');
  metadata
    .command('show')
    .description('Show it')
    .argument('<instance>')
    .action(async (instance: string) => {
      const { client, name } = await session.resolve(instance);
      session.print(await renderYaml(await client.get(at`instances/${name}/metadata`)));
    });
  metadata
    .command('edit')
    .description('Edit it as YAML, in the editor or from standard input')
    .argument('<instance>')
    .action(async (instance: string) => {
      const { client, name } = await session.resolve(instance);
      const path = at`instances/${name}/metadata`;
      const { value, etag } = await client.getTagged<Fields>(path);
      const help = `This is the metadata of ${instance}. Lines that begin with # are left out.`;
      await editYaml(session, value, help, async body => void (await client.send('PUT', path, { body, etag })));
    });
  defineTemplateCommands(parent.command('template').description('Manage the templates of an instance'), session);
}

function defineTemplateCommands(group: Command, session: Session): void {
  const sub = (name: string, summary: string) => group.command(name).description(summary).argument('<instance>');
  const find = async (instance: string) => {
    const { client, name } = await session.resolve(instance);
    const path = at`instances/${name}/metadata/templates`;
    const read = async (template: string) => textOf(await client.download(path, { path: template }));
    const write = (template: string, stream: Buffer) =>
      client.send('POST', path, {
        query: { path: template },
        stream,
        headers: { 'Content-Type': 'application/octet-stream' },
      });
    return { client, path, read, write };
  };
  sub('list', 'List templates')
    .alias('ls')
    .addOption(formatOption())
    .action(async (instance: string, { format }: { format: Format }) => {
      const { client, path } = await find(instance);
      const raw = await client.get<readonly string[]>(path);
      session.print(await renderList({ headers: ['FILENAME'], rows: raw.map(name => [name]), raw }, format));
    });
  sub('show', 'Print a template')
    .argument('<template>')
    .action(async (instance: string, template: string) => {
      session.io.stdout.write(await (await find(instance)).read(template));
    });
  sub('create', 'Make an empty template')
    .argument('<template>')
    .action(async (instance: string, template: string) => {
      await (await find(instance)).write(template, Buffer.alloc(0));
    });
  sub('edit', 'Edit a template in the editor, or from standard input')
    .argument('<template>')
    .action(async (instance: string, template: string) => {
      const { read, write } = await find(instance);
      const after = await editText(session, template, () => read(template));
      if (after !== undefined) await write(template, after);
    });
  sub('delete', 'Delete a template')
    .alias('rm')
    .argument('<template>')
    .action(async (instance: string, template: string) => {
      const { client, path } = await find(instance);
      await client.send('DELETE', path, { query: { path: template } });
    });
}
