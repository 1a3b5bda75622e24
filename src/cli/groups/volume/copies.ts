/** `storage volume copy`, `move`, `snapshot` and `restore`. */
import type { Command } from 'commander';
import { fail } from '../../../domain/errors.ts';
import { at } from '../../api/path.ts';
import type { Session } from '../../session.ts';
import { volumePath } from './reference.ts';

interface SnapshotOptions {
  readonly expiry: boolean;
  readonly reuse?: true;
  readonly target?: string;
}

interface CopyOptions {
  readonly volumeOnly?: true;
  readonly destinationTarget?: string;
  readonly target?: string;
  readonly targetProject?: string;
}

export function defineVolumeCopies(group: Command, session: Session): void {
  group
    .command('copy')
    .alias('cp')
    .description('Copy a storage volume, or a snapshot of one')
    .argument('<pool/volume>', 'POOL/VOLUME or POOL/VOLUME/SNAPSHOT')
    .argument('<new-pool/volume>')
    .option('--volume-only', 'without its snapshots')
    .option('--destination-target <host>', 'the host that shall have the copy')
    .option('--target <host>', 'where the original is')
    .option('--target-project <project>', 'the project that shall have the copy')
    .action(async (from: string, to: string, options: CopyOptions) => {
      const source = await session.resolve(from);
      const target = await session.resolve(to);
      if (source.client !== target.client)
        fail('unsupported', 'Copying storage volumes between servers is not supported by this version of Berth');
      const [pool = '', ...volume] = source.name.split('/');
      const [newPool = '', name = ''] = target.name.split('/');
      const body = {
        name,
        type: 'custom',
        config: {},
        source: {
          type: 'copy',
          pool,
          name: volume.join('/'),
          volume_only: options.volumeOnly === true,
          ...(options.target && { location: options.target }),
          ...(options.targetProject && { project: session.flags.project ?? 'default' }),
        },
      };
      await session.perform(target.client, `Copying ${from}`, () =>
        target.client.send('POST', at`storage-pools/${newPool}/volumes/custom`, {
          body,
          query: { target: options.destinationTarget, project: options.targetProject },
        }),
      );
      session.print('Storage volume copied successfully!');
    });
  group
    .command('move')
    .alias('mv')
    .description('Move a storage volume that nobody uses to another pool or host')
    .argument('<pool/volume>')
    .argument('<new-pool/volume>')
    .option('--destination-target <host>', 'the host that shall have it')
    .option('--target <host>', 'where it is')
    .action(async (from: string, to: string, options: { destinationTarget?: string }) => {
      const { client, name: source } = await session.resolve(from);
      const target = await session.resolve(to);
      if (client !== target.client)
        fail('unsupported', 'Moving storage volumes between servers is not supported by this version of Berth');
      const [pool = '', volume = ''] = source.split('/');
      const [newPool = '', name = ''] = target.name.split('/');
      await session.perform(client, `Moving ${from}`, () =>
        client.send('POST', volumePath(pool, volume).volume, {
          body: { name, pool: newPool },
          query: { target: options.destinationTarget },
        }),
      );
      session.print('Storage volume moved successfully!');
    });
  group
    .command('snapshot')
    .description('Take a snapshot of a storage volume')
    .argument('<pool>')
    .argument('<volume>')
    .argument('[snapshot]')
    .option('--no-expiry', 'keep it, whatever the volume says')
    .option('--reuse', 'in place of a snapshot of that name')
    .option('--target <host>', 'the volume of this host')
    .action(async (reference: string, volume: string, snapshot: string | undefined, options: SnapshotOptions) => {
      const { client, name: pool } = await session.resolve(reference);
      const query = { target: options.target };
      const snapshots = `${volumePath(pool, volume).volume}/snapshots`;
      if (options.reuse && snapshot !== undefined) {
        const old = `${snapshots}/${encodeURIComponent(snapshot)}`;
        if ((await client.find(old, query)) !== undefined)
          await session.perform(client, `Deleting ${snapshot}`, () => client.send('DELETE', old, { query }));
      }
      const body = { name: snapshot ?? '', ...(options.expiry ? {} : { expires_at: '0001-01-01T00:00:00Z' }) };
      await session.perform(client, `Snapshotting ${volume}`, () => client.send('POST', snapshots, { body, query }));
    });
  group
    .command('restore')
    .description('Put a storage volume back to a snapshot')
    .argument('<pool>')
    .argument('<volume>')
    .argument('<snapshot>')
    .option('--target <host>', 'the volume of this host')
    .action(async (reference: string, volume: string, snapshot: string, { target }: { target?: string }) => {
      const { client, name: pool } = await session.resolve(reference);
      const { volume: path } = volumePath(pool, volume);
      const { value, etag } = await client.getTagged<{ config: unknown; description: unknown }>(path, { target });
      const body = { config: value.config, description: value.description, restore: snapshot };
      await session.perform(client, `Restoring ${volume}`, () =>
        client.send('PUT', path, { body, etag, query: { target } }),
      );
    });
}
