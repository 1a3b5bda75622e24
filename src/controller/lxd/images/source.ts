/** `POST /1.0/images` with JSON: an image of an instance, or of a server that has it; other sources are refused, each with its own reason. */
import { z } from 'zod';
import { fail } from '../../../domain/errors.ts';
import { beginFetchImage, type ImageSource } from '../../commands/fetch-image.ts';
import { beginPublishImage } from '../../commands/images.ts';
import { type Answer, started } from '../../http/answer.ts';
import { type ApiRequest, parse } from '../../http/request.ts';
import { compressionOf } from '../../server-config.ts';
import type { Lxd } from '../context.ts';
import { compressionField, configField, flagField, textField } from '../fields.ts';
import { sagaOperation } from '../operation.ts';
import { projectOf } from '../project.ts';
import { requestorOf } from '../requestor.ts';
import { timeField } from '../snapshots.ts';
import { chooseNode } from './upload.ts';

const sent = z.object({
  public: flagField,
  auto_update: flagField,
  properties: configField,
  expires_at: timeField,
  compression_algorithm: compressionField,
  aliases: z
    .array(z.object({ name: z.string(), description: textField }))
    .nullish()
    .transform(list => list ?? []),
  profiles: z
    .array(z.string())
    .nullish()
    .transform(list => list ?? []),
  source: z.object({
    type: z.string(),
    name: textField,
    mode: textField,
    alias: textField,
    fingerprint: textField,
    protocol: textField,
    server: textField,
    certificate: textField,
    secret: textField,
    project: textField,
  }),
});

interface SentSource extends Omit<ImageSource, 'name'> {
  readonly alias: string;
  readonly fingerprint: string;
}

/** Clients send the alias of an image store as its fingerprint, too. */
export function imageSource({ alias, fingerprint, protocol, server, certificate, secret, project }: SentSource) {
  return { protocol: protocol || 'lxd', server, certificate, secret, project, name: fingerprint || alias };
}

export async function fromSource(lxd: Lxd, request: ApiRequest, text: string): Promise<Answer> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    fail('invalid', 'Invalid image: send an archive, or JSON that names a source');
  }
  const { source, ...image } = parse(sent, json);
  if (source.type === 'url')
    fail('unsupported', 'Fetching an image from a URL is not supported by this version of Berth: import it as a file');
  if (source.type === 'image') {
    if (source.mode === 'push')
      fail('unsupported', 'Invalid "source.mode": push is not supported by this version of Berth; use pull or relay');
    if (image.auto_update)
      fail('unsupported', 'Invalid "auto_update": images are not updated by this version of Berth: fetch them anew');
    const { public: isPublic, properties, aliases, profiles } = image;
    const wish = {
      project: projectOf(request),
      node: chooseNode(lxd),
      public: isPublic,
      properties,
      aliases,
      profiles,
    };
    return started(sagaOperation(await beginFetchImage(lxd, wish, imageSource(source), requestorOf(request))));
  }
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
    compression: compressionOf(lxd.view, projectOf(request), 'images', image.compression_algorithm),
    aliases: image.aliases,
  };
  return started(sagaOperation(await beginPublishImage(lxd, wish, requestorOf(request))));
}
