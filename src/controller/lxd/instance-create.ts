/** `POST /1.0/instances`: from LXD's request to a new instance, or to the plan of one. */
import { z } from 'zod';
import { fail } from '../../domain/errors.ts';
import type { ImageRecord } from '../../domain/image.ts';
import { limitsOfType } from '../../domain/instance-type.ts';
import { beginCopyInstance } from '../commands/copy-instance.ts';
import { beginCreateInstance, planInstance } from '../commands/create-instance.ts';
import { beginCreateFromStore } from '../commands/fetch-image.ts';
import { type Answer, started, sync } from '../http/answer.ts';
import { type ApiRequest, isTrue, readBody } from '../http/request.ts';
import type { NewInstance } from '../instances/new-instance.ts';
import type { Target } from '../placing.ts';
import { homeOf } from '../projects/project-store.ts';
import { IMAGES } from '../spaces.ts';
import { importBackup } from './backups/import.ts';
import type { Lxd } from './context.ts';
import { cleanDevices, configField, devicesField, flagField, textField, withoutEmpty } from './fields.ts';
import { aliasTarget, imageByFingerprint } from './images/image.ts';
import { imageSource } from './images/source.ts';
import { chooseNode } from './images/upload.ts';
import { sagaOperation } from './operation.ts';
import { mustMayTarget, projectOf } from './project.ts';
import { requestorOf } from './requestor.ts';

const sourceField = z.object({
  type: z.string(),
  fingerprint: textField,
  alias: textField,
  properties: configField,
  server: textField,
  protocol: textField,
  certificate: textField,
  secret: textField,
  mode: textField,
  /** Of a copy: `c1` or `c1/snapshot`. */
  source: textField,
  project: textField,
  instance_only: flagField,
  container_only: flagField,
  refresh: flagField,
});
type Source = z.infer<typeof sourceField>;

const body = z.object({
  name: textField,
  description: textField,
  architecture: textField,
  type: textField,
  instance_type: textField,
  config: configField,
  devices: devicesField,
  profiles: z.array(z.string()).nullish(),
  ephemeral: flagField,
  stateful: flagField,
  source: sourceField,
});

export async function createInstance(lxd: Lxd, request: ApiRequest, collection: string): Promise<Answer> {
  const type = request.headers['content-type'] ?? '';
  if (type.startsWith('application/octet-stream')) return importBackup(lxd, request);
  const sent = await readBody(request, body);
  if (sent.type === 'virtual-machine' || collection === 'virtual-machines')
    fail('unsupported', 'Virtual machines are not supported: Berth runs system containers');
  if (sent.stateful) fail('unsupported', 'Creating from a stateful source is not supported by this version of Berth');
  const project = projectOf(request);
  mustMayTarget(lxd.view, request);
  const wanted: NewInstance = {
    project,
    name: sent.name,
    description: sent.description,
    architecture: sent.architecture,
    config: { ...limitsOfType(sent.instance_type), ...withoutEmpty(sent.config) },
    devices: cleanDevices(sent.devices),
    profiles: sent.profiles ?? undefined, // null means the default, [] none
    ephemeral: sent.ephemeral,
    image: '',
    target: targetOf(request),
  };
  if (sent.source.type === 'copy') return copy(lxd, request, wanted, sent.source);
  if (sent.source.type === 'image' && sent.source.server !== '' && !isHere(lxd, project, sent.source)) {
    if (isTrue(request.query['dry-run']))
      fail('invalid', 'The image is not here yet: copy it first ("image copy"), then plan the instance');
    const source = imageSource(sent.source);
    const begun = await beginCreateFromStore(lxd, wanted, chooseNode(lxd), source, requestorOf(request));
    return started(sagaOperation(begun));
  }
  const whole = { ...wanted, image: imageOf(lxd, homeOf(lxd.view, project, 'images'), sent.source) };
  if (isTrue(request.query['dry-run'])) return sync(planInstance(lxd, whole));
  return started(sagaOperation(await beginCreateInstance(lxd, whole, requestorOf(request))));
}

/** `live`, which clients send with every copy, is no question here: a copy is of one moment, and it is stopped. */
async function copy(lxd: Lxd, request: ApiRequest, wanted: NewInstance, source: Source): Promise<Answer> {
  if (source.source === '') fail('invalid', 'Invalid "source.source": name the instance to copy');
  if (source.project !== '' && source.project !== wanted.project)
    fail('unsupported', 'Copying from another project is not supported by this version of Berth');
  if (source.refresh)
    fail('unsupported', 'Refreshing a copy is not supported by this version of Berth: delete it first');
  if (isTrue(request.query['dry-run']))
    fail('invalid', 'A copy is made where its original is: there is nothing to plan');
  const instanceOnly = source.instance_only || source.container_only;
  const order = { ...wanted, source: source.source, instanceOnly };
  return started(sagaOperation(await beginCopyInstance(lxd, order, requestorOf(request))));
}

/** `?target=MEMBER` or `?target=@GROUP`. */
export function targetOf(request: ApiRequest): Target | undefined {
  const target = request.query.target ?? '';
  if (target === '') return undefined;
  return target.startsWith('@') ? { group: target.slice(1) } : { node: target };
}

/** What is here already need not be fetched. */
function isHere(lxd: Lxd, project: string, { fingerprint }: Source): boolean {
  return fingerprint !== '' && lxd.view.get(IMAGES.key(homeOf(lxd.view, project, 'images'), fingerprint)) !== undefined;
}

/** Fingerprint of the image to make it from; '' = an empty root. */
function imageOf(lxd: Lxd, project: string, source: Source): string {
  switch (source.type) {
    case 'none':
      return '';
    case 'image':
      return sourceImage(lxd, project, source);
    case 'migration':
      return fail('unsupported', 'Taking over instances from another server is not supported by this version of Berth');
    default:
      return fail('invalid', `Invalid "source.type": "${source.type}" (image, copy or none)`);
  }
}

function sourceImage(lxd: Lxd, project: string, source: Source): string {
  const { fingerprint, alias, properties } = source;
  if (fingerprint !== '') return imageByFingerprint(lxd.view, project, fingerprint).value.fingerprint;
  if (alias !== '')
    return aliasTarget(lxd.view, project, alias) ?? imageByFingerprint(lxd.view, project, alias).value.fingerprint;
  if (Object.keys(properties).length > 0) return newestWith(lxd, project, properties).fingerprint;
  return fail('invalid', 'Invalid "source": name an image by fingerprint, alias or properties');
}

function newestWith(lxd: Lxd, project: string, properties: Readonly<Record<string, string>>): ImageRecord {
  const matching = lxd.view
    .list(IMAGES, project)
    .map(({ value }) => value)
    .filter(image => Object.entries(properties).every(([key, value]) => image.properties[key] === value))
    .sort((a, b) => b.createdAt.localeCompare(a.createdAt));
  return matching[0] ?? fail('not-found', 'Image not found: none has these properties');
}
