/** `/1.0/images/aliases`: names for images. */
import { z } from 'zod';
import { AppError, fail } from '../../../domain/errors.ts';
import type { ImageAliasRecord } from '../../../domain/image.ts';
import { type Stored, together } from '../../../store/keyspace.ts';
import { commit } from '../../commit.ts';
import { type Answer, created, DONE, sync } from '../../http/answer.ts';
import { type ApiRequest, matchEtag, readBody } from '../../http/request.ts';
import type { Route } from '../../http/route.ts';
import { IMAGE_ALIASES, IMAGES } from '../../spaces.ts';
import type { Lxd } from '../context.ts';
import { textField } from '../fields.ts';
import { list, urlOf } from '../lists.ts';
import { homeFor } from '../project.ts';
import { imageByFingerprint } from './image.ts';

export function imageAliasRoutes(lxd: Lxd): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/1.0/images/aliases',
      access: 'trusted',
      handle: request =>
        list(
          request,
          lxd.view.list(IMAGE_ALIASES, homeFor(lxd.view, request, 'images')).map(({ value }) => value),
          ({ name }) => urlOf('images', 'aliases', name),
          shown,
        ),
    },
    { method: 'POST', path: '/1.0/images/aliases', access: 'trusted', handle: request => create(lxd, request) },
    {
      method: 'GET',
      path: '/1.0/images/aliases/:name',
      access: 'anyone', // of public images only
      handle: request => {
        const { value } = find(lxd, request);
        if (request.caller.access === 'anyone' && !isPublic(lxd, value)) throw missing(value.name);
        return sync(shown(value), writable(value));
      },
    },
    { method: 'PUT', path: '/1.0/images/aliases/:name', access: 'trusted', handle: request => change(lxd, request) },
    { method: 'PATCH', path: '/1.0/images/aliases/:name', access: 'trusted', handle: request => change(lxd, request) },
    { method: 'POST', path: '/1.0/images/aliases/:name', access: 'trusted', handle: request => rename(lxd, request) },
    {
      method: 'DELETE',
      path: '/1.0/images/aliases/:name',
      access: 'trusted',
      handle: async request => {
        await commit(lxd, IMAGE_ALIASES.remove(find(lxd, request)));
        return DONE;
      },
    },
  ];
}

const writable = ({ target, description }: ImageAliasRecord) => ({ target, description });

const shown = (alias: ImageAliasRecord) => ({ name: alias.name, ...writable(alias), type: 'container' });

const missing = (name: string) => new AppError('not-found', `Image alias not found: ${name}`);
const taken = (name: string) => new AppError('exists', `Alias already exists: ${name}`);

function find(lxd: Lxd, request: ApiRequest): Stored<ImageAliasRecord> {
  const name = request.params.name!;
  const found = lxd.view.get(IMAGE_ALIASES.key(homeFor(lxd.view, request, 'images'), name));
  if (found === undefined) throw missing(name);
  return found;
}

function isPublic(lxd: Lxd, { project, target }: ImageAliasRecord): boolean {
  return lxd.view.get(IMAGES.key(project, target))?.value.public === true;
}

async function create(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const sent = await readBody(
    request,
    z.object({ name: z.string(), target: z.string(), description: textField, type: textField }),
  );
  const project = homeFor(lxd.view, request, 'images');
  const name = checkAlias(sent.name);
  const target = imageByFingerprint(lxd.view, project, sent.target).value.fingerprint;
  const record: ImageAliasRecord = { name, project, target, description: sent.description };
  await commit(lxd, IMAGE_ALIASES.create(IMAGE_ALIASES.key(project, name), record), () => taken(name));
  return created(urlOf('images', 'aliases', name));
}

async function change(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const old = find(lxd, request);
  matchEtag(request, writable(old.value));
  const sent = await readBody(request, z.object({ target: textField, description: z.string().optional() }));
  const target =
    sent.target === ''
      ? old.value.target
      : imageByFingerprint(lxd.view, old.value.project, sent.target).value.fingerprint;
  const record = { ...old.value, target, description: sent.description ?? old.value.description };
  await commit(lxd, IMAGE_ALIASES.replace(old, record));
  return DONE;
}

async function rename(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const sent = await readBody(request, z.object({ name: z.string() }));
  const old = find(lxd, request);
  const name = checkAlias(sent.name);
  const key = IMAGE_ALIASES.key(old.value.project, name);
  const moved = together(IMAGE_ALIASES.remove(old), IMAGE_ALIASES.create(key, { ...old.value, name }));
  if (name !== old.value.name)
    await commit(lxd, moved, failed => (failed.includes(key) ? taken(name) : missing(old.value.name)));
  return created(urlOf('images', 'aliases', name));
}

/** Slashes are usual in aliases ("debian/12"). */
function checkAlias(name: string): string {
  if (!/^[^\s\p{Cc}]{1,200}$/u.test(name))
    fail('invalid', `Invalid alias "${name}": 1 to 200 characters without spaces`);
  return name;
}
