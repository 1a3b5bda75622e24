/** `/1.0/images`: what instances are made from. Strangers see those that are public. */
import { Readable } from 'node:stream';
import { z } from 'zod';
import { AppError, fail } from '../../../domain/errors.ts';
import type { ImageRecord } from '../../../domain/image.ts';
import type { Stored } from '../../../store/keyspace.ts';
import { beginDeleteImage, beginImportImage } from '../../commands/images.ts';
import { commit } from '../../commit.ts';
import { type Answer, DONE, started, sync } from '../../http/answer.ts';
import { type ApiRequest, matchEtag, readBody, readText } from '../../http/request.ts';
import type { Route } from '../../http/route.ts';
import { homeOf } from '../../projects/project-store.ts';
import { IMAGES, PROFILES } from '../../spaces.ts';
import { findToken, issueToken } from '../../trust/tokens.ts';
import type { Lxd } from '../context.ts';
import { type ConfigChange, configField, patched, withoutEmpty } from '../fields.ts';
import { list, urlOf } from '../lists.ts';
import { sagaOperation } from '../operation.ts';
import { homeFor, projectOf } from '../project.ts';
import { requestorOf } from '../requestor.ts';
import { timeField } from '../snapshots.ts';
import { exportImage } from './export.ts';
import { imageByFingerprint, shownImage, writableImage } from './image.ts';
import { fromSource } from './source.ts';
import { receiveUpload } from './upload.ts';

export function imageRoutes(lxd: Lxd): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/1.0/images',
      access: 'anyone',
      handle: request =>
        list(
          request,
          lxd.view
            .list(IMAGES, homeFor(lxd.view, request, 'images'))
            .map(({ value }) => value)
            .filter(image => mayKnow(request, image)),
          ({ fingerprint }) => urlOf('images', fingerprint),
          image => shownImage(lxd.view, image),
        ),
    },
    { method: 'POST', path: '/1.0/images', access: 'trusted', handle: request => create(lxd, request) },
    {
      method: 'GET',
      path: '/1.0/images/:fingerprint',
      access: 'anyone',
      handle: request => {
        const { value } = find(lxd, request);
        return sync(shownImage(lxd.view, value), writableImage(value));
      },
    },
    {
      method: 'GET',
      path: '/1.0/images/:fingerprint/export',
      access: 'anyone',
      handle: request => exportImage(lxd, find(lxd, request).value),
    },
    {
      method: 'PUT',
      path: '/1.0/images/:fingerprint',
      access: 'trusted',
      handle: request => change(lxd, request, (_old, sent) => withoutEmpty(sent)),
    },
    {
      method: 'PATCH',
      path: '/1.0/images/:fingerprint',
      access: 'trusted',
      handle: request => change(lxd, request, patched),
    },
    {
      method: 'DELETE',
      path: '/1.0/images/:fingerprint',
      access: 'trusted',
      handle: async request => {
        const { fingerprint } = find(lxd, request).value;
        const image = { project: projectOf(request), fingerprint };
        return started(sagaOperation(await beginDeleteImage(lxd, image, requestorOf(request))));
      },
    },
    {
      method: 'POST',
      path: '/1.0/images/:fingerprint/secret',
      access: 'trusted',
      handle: async request => {
        const { project, fingerprint } = find(lxd, request).value;
        const token = await issueToken(lxd, { kind: 'image', project, fingerprint });
        return started((await lxd.operations.find(token.id)).operation);
      },
    },
    {
      method: 'POST',
      path: '/1.0/images/:fingerprint/refresh',
      access: 'trusted',
      handle: request => {
        find(lxd, request);
        return fail('unsupported', 'Images are not refreshed by this version of Berth: delete it, and fetch it anew');
      },
    },
  ];
}

const mayKnow = ({ caller }: ApiRequest, image: ImageRecord): boolean => caller.access !== 'anyone' || image.public;

function find(lxd: Lxd, request: ApiRequest): Stored<ImageRecord> {
  const stored = imageByFingerprint(lxd.view, homeFor(lxd.view, request, 'images'), request.params.fingerprint!);
  if (!mayKnow(request, stored.value) && !hasSecret(lxd, request, stored.value))
    throw new AppError('not-found', `Image not found: ${request.params.fingerprint}`);
  return stored;
}

/** Good for this image alone, until it ends: clients ask for what is said of the image, and then for its files. */
function hasSecret(lxd: Lxd, { query }: ApiRequest, { project, fingerprint }: ImageRecord): boolean {
  if (!query.secret) return false;
  const { purpose } = findToken(lxd, 'image', query.secret).value;
  return purpose.project === project && purpose.fingerprint === fingerprint;
}

/** JSON names a source; everything else is an archive, also when its type is not given (pylxd). */
async function create(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  homeFor(lxd.view, request, 'images'); // may it?
  const project = projectOf(request);
  const { isJson, body } = await look(request);
  if (isJson) return fromSource(lxd, request, await readText({ ...request, body }, MAX_JSON_BYTES));
  const { upload, node, filename, properties, public: isPublic, fingerprint } = await receiveUpload(lxd, request, body);
  const wish = { project, upload, node, filename, properties, public: isPublic, fingerprint };
  return started(sagaOperation(await beginImportImage(lxd, wish, requestorOf(request))));
}

const MAX_JSON_BYTES = 1024 * 1024;

/** No archive begins with a brace. */
async function look(request: ApiRequest): Promise<{ readonly isJson: boolean; readonly body: Readable }> {
  const type = request.headers['content-type'] ?? '';
  if (type.startsWith('application/json')) return { isJson: true, body: request.body };
  if (type !== '') return { isJson: false, body: request.body };
  const chunks = request.body.iterator({ destroyOnReturn: false });
  const first = await chunks.next();
  if (first.done) return { isJson: true, body: Readable.from([]) };
  const head = first.value as Buffer;
  const rest = async function* () {
    yield head;
    yield* chunks;
  };
  return { isJson: head.toString('latin1').trimStart().startsWith('{'), body: Readable.from(rest()) };
}

const changeBody = z.object({
  auto_update: z.boolean().optional(),
  public: z.boolean().optional(),
  properties: configField,
  expires_at: timeField,
  profiles: z.array(z.string()).nullish(),
});

async function change(lxd: Lxd, request: ApiRequest, next: ConfigChange): Promise<Answer> {
  const old = find(lxd, request);
  matchEtag(request, writableImage(old.value));
  const sent = await readBody(request, changeBody);
  if (sent.auto_update)
    fail('unsupported', 'Invalid "auto_update": images are not updated by this version of Berth: fetch them anew');
  const home = homeOf(lxd.view, projectOf(request), 'profiles');
  const unknown = sent.profiles?.find(profile => lxd.view.get(PROFILES.key(home, profile)) === undefined);
  if (unknown !== undefined) fail('invalid', `Invalid "profiles": profile "${unknown}" does not exist`);
  const record: ImageRecord = {
    ...old.value,
    autoUpdate: false,
    public: sent.public ?? old.value.public,
    properties: next(old.value.properties, sent.properties),
    profiles: sent.profiles ?? old.value.profiles,
    expiresAt: sent.expires_at ?? old.value.expiresAt,
  };
  await commit(lxd, IMAGES.replace(old, record));
  return DONE;
}
