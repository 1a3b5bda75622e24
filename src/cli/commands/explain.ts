import type { Placement } from '../../domain/placement.ts';
import { at } from '../api/path.ts';
import { PLACEMENT, requireExtension } from '../api/server.ts';
import type { Define } from '../command-table.ts';
import { renderPlacement } from '../instance/placement.ts';
import { dateTime } from '../render/quantity.ts';
import { type Format, formatOption, renderList } from '../render/table.ts';

export const define: Define = (command, session) => {
  command
    .argument('<instance>', 'the instance')
    .addOption(formatOption())
    .action(async (instance: string, { format }: { format: Format }) => {
      const { client, name } = await session.resolve(instance);
      await requireExtension(client, PLACEMENT, 'explain');
      const placement = await client.get<Placement>(at`instances/${name}/placement`);
      if (format === 'json' || format === 'yaml')
        return session.print(await renderList({ headers: [], rows: [], raw: placement }, format));
      session.print(
        `${name} is on ${placement.node || 'no host'}, decided ${dateTime(placement.at) ?? 'at an unknown time'}`,
      );
      session.print(await renderPlacement(placement));
    });
};
