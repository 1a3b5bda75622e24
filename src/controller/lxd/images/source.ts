/** `POST /1.0/images` with JSON: an image of an instance; other sources are refused, each with its own reason. */
import { z } from 'zod';
import { COMPRESSIONS } from '../../../domain/backup.ts';
import { fail } from '../../../domain/errors.ts';
import { beginPublishImage } from '../../commands/images.ts';
import { type Answer, started } from '../../http/answer.ts';
import { type ApiRequest, parse } from '../../http/request.ts';
import type { Lxd } from '../context.ts';
import { configField, flagField, textField } from '../fields.ts';
import { sagaOperation } from '../operation.ts';
import { projectOf } from '../project.ts';
import { requestorOf } from '../requestor.ts';
import { timeField } from '../snapshots.ts';

const sent = z.object({
  public: flagField,
  auto_update: flagField,
  properties: configField,
  expires_at: timeField,
  compression_algorithm: textField.transform(text => text || 'gzip').pipe(z.enum(COMPRESSIONS)),
  aliases: z
    .array(z.object({ name: z.string(), description: textField }))
    .nullish()
    .transform(list => list ?? []),
  source: z.object({
    type: z.string(),
    name: textField,
    mode: textField,
    server: textField,
  }),
});

export async function fromSource(lxd: Lxd, request: ApiRequest, text: string): Promise<Answer> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    fail('invalid', 'Invalid image: send an archive, or JSON that names a source');
  }
  const { source, ...image } = parse(sent, json);
  const later = 'is not supported by this version of Berth: import the image as a file';
  if (source.type === 'image')
    fail('unsupported', `Fetching an image from ${source.server || 'another server'} ${later}`);
  if (source.type === 'url') fail('unsupported', `Fetching an image from a URL ${later}`);
  if (!['instance', 'container', 'snapshot'].includes(source.type))
    fail('invalid', `Invalid "source.type": "${source.type}"`);
  if (image.auto_update)
    fail('invalid', 'Invalid "auto_update": an image of an instance has no server to be updated from');
  const [name = '', snapshot = '', ...more] = source.name.split('/');
  if (name === '' || more.length > 0 || (source.type === 'snapshot') !== (snapshot !== ''))
    fail('invalid', `Invalid "source.name": "${source.name}" (an instance, or INSTANCE/SNAPSHOT of type "snapshot")`);
  const wish = {
    project: projectOf(request),
    name,
    snapshot,
    public: image.public,
    properties: image.properties,
    expiresAt: image.expires_at ?? '',
    compression: image.compression_algorithm,
    aliases: image.aliases,
  };
  return started(sagaOperation(await beginPublishImage(lxd, wish, requestorOf(request))));
}
