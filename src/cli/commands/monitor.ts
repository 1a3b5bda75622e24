import { Option } from 'commander';
import { AppError } from '../../domain/errors.ts';
import { openEvents, type ServerEvent } from '../api/events.ts';
import type { Define } from '../command-table.ts';
import { collect } from '../input/key-value.ts';
import { type Format, prettyEvent } from '../render/event.ts';
import { renderYaml } from '../render/yaml.ts';

interface Options {
  readonly type?: readonly string[];
  readonly allProjects?: boolean;
  readonly format: Format;
  readonly pretty?: boolean;
  readonly loglevel?: string;
}

export const define: Define = (command, session) => {
  command
    .argument('[remote:]', 'the server to listen to')
    .option('--type <type>', 'operation, lifecycle or logging (repeatable); all of them without it', collect)
    .option('--all-projects', 'events of all projects')
    .option('--loglevel <level>', 'of logging: debug, info, warning or error; and what is worse')
    .option('--pretty', 'one readable line an event (same as --format=pretty)')
    .addOption(
      new Option('-f, --format <format>', 'how to print them').choices(['yaml', 'json', 'pretty']).default('yaml'),
    )
    .action(async (remote: string | undefined, options: Options) => {
      const { client } = await session.resolve(remote ?? '');
      const format = options.pretty ? 'pretty' : options.format;
      // One after another: the first event may still be loading what draws it when the second comes.
      let last = Promise.resolve();
      const least = levelOf(options.loglevel ?? 'debug');
      const show = (event: ServerEvent) => {
        if (event.type === 'logging' && levelOf((event.metadata as { level?: string }).level ?? 'error') < least)
          return;
        last = last.then(async () => session.print(await draw(event, format)));
      };
      const stream = await openEvents(
        client,
        { type: options.type?.join(','), 'all-projects': options.allProjects },
        show,
      );
      await stream.ended;
      await last;
      throw new AppError('unavailable', 'the server closed the event stream');
    });
};

/** How bad it is. @throws AppError `invalid` for what is no level */
function levelOf(text: string): number {
  const level = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'].findIndex(each =>
    text.toLowerCase().startsWith(each),
  );
  if (level < 0) throw new AppError('invalid', `--loglevel "${text}" is not debug, info, warning or error`);
  return level;
}

async function draw(event: ServerEvent, format: Format): Promise<string> {
  if (format === 'json') return JSON.stringify(event);
  return format === 'yaml' ? `${await renderYaml(event)}\n\n` : prettyEvent(event);
}
