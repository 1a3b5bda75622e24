/** metadata.yaml of an image: what LXD's images say of themselves, checked and in one spelling. */
import { parse } from 'yaml';
import { z } from 'zod';
import { architectureOf } from '../../domain/architecture.ts';
import { AppError, fail } from '../../domain/errors.ts';
import { type ImageMetadata, TRIGGERS, type Trigger } from '../../domain/image-metadata.ts';

/** YAML makes numbers, booleans and dates of what people wrote as text. */
const text = z
  .union([z.string(), z.number(), z.boolean(), z.date()])
  .transform(value => (value instanceof Date ? value.toISOString() : String(value)));
const texts = z.record(z.string(), z.union([text, z.null().transform(() => '')]));
const seconds = z.coerce.number().transform(Math.trunc).pipe(z.int().min(0));

const schema = z.object({
  architecture: z.string().min(1),
  creation_date: seconds,
  expiry_date: seconds.optional(),
  properties: texts.nullish(),
  templates: z
    .record(
      z.string(),
      z.object({
        when: z.array(z.string()).nullish(),
        template: z.string().min(1),
        create_only: z.boolean().optional(),
        properties: texts.nullish(),
      }),
    )
    .nullish(),
});

/** Throws `invalid` naming the key that is wrong. Unknown keys are let pass: newer images have some. */
export function parseMetadata(yaml: string): ImageMetadata {
  const raw = schema.safeParse(load(yaml));
  if (!raw.success) {
    const [issue] = raw.error.issues;
    const key = issue!.path.join('.') || 'the document';
    fail('invalid', `metadata.yaml of the image: ${key}: ${issue!.message}`);
  }
  const { architecture, creation_date, expiry_date = 0, properties, templates } = raw.data!;
  return {
    architecture: architectureOf(architecture, 'metadata.yaml of the image'),
    createdAt: creation_date,
    expiresAt: expiry_date,
    properties: properties ?? {},
    templates: Object.fromEntries(
      Object.entries(templates ?? {}).map(([path, { when, template, create_only = false, properties: own }]) => {
        const triggers = (when ?? []).filter((each): each is Trigger => TRIGGERS.includes(each as Trigger));
        return [path, { when: triggers, file: template, createOnly: create_only, properties: own ?? {} }];
      }),
    ),
  };
}

function load(yaml: string): unknown {
  try {
    return parse(yaml, { maxAliasCount: 10 });
  } catch (error) {
    throw new AppError(
      'invalid',
      `metadata.yaml of the image is no YAML: ${(error as Error).message.split('\n')[0]}`,
      error,
    );
  }
}
