/** `image get-property`, `set-property` and `unset-property`. */
import type { Command } from 'commander';
import { AppError } from '../../domain/errors.ts';
import type { Settings } from '../api/instance.ts';
import { at } from '../api/path.ts';
import { type Fields, update } from '../api/update.ts';
import { imageFingerprint } from '../image/source.ts';
import type { Session } from '../session.ts';

export function defineImageProperties(group: Command, session: Session): void {
  const sub = (name: string, summary: string) =>
    group.command(name).description(summary).argument('<image>').argument('<property>');
  const find = async (reference: string) => {
    const { client, name } = await session.resolve(reference);
    return { client, path: at`images/${await imageFingerprint(client, name)}` };
  };
  const change = async (reference: string, next: (properties: Settings) => Settings) => {
    const { client, path } = await find(reference);
    await update(session, client, 'image', path, (before: Fields) => ({
      ...before,
      properties: next((before.properties ?? {}) as Settings),
    }));
  };
  sub('get-property', 'Print a property of an image').action(async (reference: string, property: string) => {
    const { client, path } = await find(reference);
    const { properties } = await client.get<{ properties: Settings | null }>(path);
    if (properties?.[property] === undefined) throw new AppError('not-found', 'Property not found');
    session.print(properties[property]);
  });
  sub('set-property', 'Set a property of an image')
    .argument('<value>')
    .action((reference: string, property: string, value: string) =>
      change(reference, properties => ({ ...properties, [property]: value })),
    );
  sub('unset-property', 'Take a property of an image away').action((reference: string, property: string) =>
    change(reference, properties => {
      if (properties[property] === undefined) throw new AppError('not-found', 'Property not found');
      return Object.fromEntries(Object.entries(properties).filter(([name]) => name !== property));
    }),
  );
}
