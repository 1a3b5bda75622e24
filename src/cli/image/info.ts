import { dateTime, yesNo } from '../render/quantity.ts';
import { type Image, imageSize } from './columns.ts';

/** `berth image info`, line by line as LXD's client has it. */
export function renderImageInfo(image: Image): string {
  const properties = Object.entries(image.properties ?? {});
  const aliases = image.aliases ?? [];
  return [
    `Fingerprint: ${image.fingerprint}`,
    `Size: ${imageSize(image.size)}`,
    `Architecture: ${image.architecture}`,
    `Type: ${image.type || 'container'}`,
    `Public: ${yesNo(image.public)}`,
    'Timestamps:',
    ...line('Created', dateTime(image.created_at)),
    ...line('Uploaded', dateTime(image.uploaded_at)),
    `    Expires: ${dateTime(image.expires_at) ?? 'never'}`,
    `    Last used: ${dateTime(image.last_used_at) ?? 'never'}`,
    'Properties:',
    ...properties.map(([key, value]) => `    ${key}: ${value}`),
    'Aliases:',
    ...aliases.map(alias => `    - ${alias.name}`),
    `Cached: ${yesNo(image.cached)}`,
    `Auto update: ${image.auto_update ? 'enabled' : 'disabled'}`,
    ...((image.profiles?.length ?? 0) === 0
      ? ['Profiles: []']
      : ['Profiles:', ...image.profiles!.map(profile => `    - ${profile}`)]),
  ].join('\n');
}

function line(title: string, value: string | undefined): readonly string[] {
  return value === undefined ? [] : [`    ${title}: ${value}`];
}
