/** `.../metadata` and `.../metadata/templates`: what its image says of an instance, and how its files are made of templates. */
import { z } from 'zod';
import { architectureOf } from '../../domain/architecture.ts';
import { fail } from '../../domain/errors.ts';
import { type ImageMetadata, type InstanceMetadata, TRIGGERS } from '../../domain/image-metadata.ts';
import { type Answer, DONE, raw, sync } from '../http/answer.ts';
import { type ApiRequest, matchEtag, parse, readJson, readText } from '../http/request.ts';
import { changeMetadata, metadataOf } from '../instances/metadata.ts';
import type { Lxd } from './context.ts';
import { configField, flagField, textField } from './fields.ts';
import { findInstance } from './instance.ts';

const MAX_TEMPLATE_BYTES = 128 * 1024;

const seconds = z
  .int()
  .nonnegative()
  .nullish()
  .transform(value => value ?? 0);
const template = z.object({
  when: z
    .array(z.enum(TRIGGERS, `must be ${TRIGGERS.join(', ')}`))
    .nullish()
    .transform(value => value ?? []),
  create_only: flagField,
  template: z.string().refine(isTemplateName, 'must be the name of a template, without a slash'),
  properties: configField,
});
const body = z.object({
  architecture: textField,
  creation_date: seconds,
  expiry_date: seconds,
  properties: configField,
  templates: z
    .record(z.string(), template)
    .nullish()
    .transform(value => value ?? {}),
});

export async function getMetadata(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { metadata } = await metadataOf(lxd, findInstance(lxd, request).value);
  return sync(shown(metadata), shown(metadata));
}

/** PUT replaces all of it; PATCH what is sent. Templates are used with it at their next trigger. */
export async function changeInstanceMetadata(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const instance = findInstance(lxd, request).value;
  const sent = await readJson(request);
  if (sent === undefined) fail('invalid', 'The request body is empty: metadata is needed');
  await changeMetadata(lxd, instance, present => {
    matchEtag(request, shown(present.metadata));
    const whole = request.method === 'PATCH' ? { ...shown(present.metadata), ...(sent as object) } : sent;
    return { ...present, metadata: understood(parse(body, whole), instance.architecture) };
  });
  return DONE;
}

/** Without a path the names of all; with one the template itself. */
export async function getTemplates(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { templates } = await metadataOf(lxd, findInstance(lxd, request).value);
  if (request.query.path === undefined) return sync(Object.keys(templates).sort());
  return raw('application/octet-stream', templates[known(templates, request.query.path)]!);
}

export async function putTemplate(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { value } = findInstance(lxd, request);
  const name = templateName(request);
  const text = await readText(request, MAX_TEMPLATE_BYTES);
  await changeMetadata(lxd, value, present => ({ ...present, templates: { ...present.templates, [name]: text } }));
  return DONE;
}

export async function removeTemplate(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { value } = findInstance(lxd, request);
  const name = templateName(request);
  await changeMetadata(lxd, value, ({ metadata, templates }) => {
    const { [known(templates, name)]: _, ...others } = templates;
    return { metadata, templates: others };
  });
  return DONE;
}

function templateName({ query }: ApiRequest): string {
  const { path: name = '' } = query;
  if (name === '') fail('invalid', 'Missing path argument');
  if (!isTemplateName(name)) fail('invalid', `Invalid path: "${name}" must be the name of a template, without a slash`);
  return name;
}

function isTemplateName(name: string): boolean {
  return name.length > 0 && name.length < 256 && !/[/\0]/.test(name) && !['.', '..', '__proto__'].includes(name);
}

function known(templates: InstanceMetadata['templates'], name: string): string {
  return Object.hasOwn(templates, name) ? name : fail('not-found', `Template not found: ${name}`);
}

function shown({ architecture, createdAt, expiresAt, properties, templates }: ImageMetadata) {
  return {
    architecture,
    creation_date: createdAt,
    expiry_date: expiresAt,
    properties,
    templates: Object.fromEntries(
      Object.entries(templates).map(([target, { when, file, createOnly, properties: own }]) => [
        target,
        { when, create_only: createOnly, template: file, properties: own },
      ]),
    ),
  };
}

function understood(sent: z.infer<typeof body>, architecture: string): ImageMetadata {
  const relative = Object.keys(sent.templates).find(target => !/^\/[^\0]+$/.test(target));
  if (relative !== undefined)
    fail('invalid', `Invalid "templates": "${relative}" must be the absolute path of the file that is made`);
  return {
    architecture: architectureOf(sent.architecture || architecture, '"architecture"'),
    createdAt: sent.creation_date,
    expiresAt: sent.expiry_date,
    properties: sent.properties,
    templates: Object.fromEntries(
      Object.entries(sent.templates).map(([target, { when, create_only, template: file, properties }]) => [
        target,
        { when, file, createOnly: create_only, properties },
      ]),
    ),
  };
}
