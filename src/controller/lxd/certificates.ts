/** `/1.0/certificates`: whom we trust, and the ways to become trusted (password, one-time token, a trusted friend). */
import { z } from 'zod';
import { AppError, fail } from '../../domain/errors.ts';
import { together } from '../../store/keyspace.ts';
import { commit } from '../commit.ts';
import { type Answer, created, DONE, started, sync } from '../http/answer.ts';
import { type ApiRequest, matchEtag, readBody } from '../http/request.ts';
import type { Route } from '../http/route.ts';
import {
  ALREADY_TRUSTED,
  CERTIFICATE_TYPES,
  CERTIFICATES,
  type CertificateRecord,
  certificateRecord,
  findCertificate,
  readCertificate,
  trustCertificate,
} from '../trust/certificates.ts';
import { isPassword } from '../trust/password.ts';
import { secretOf } from '../trust/token-text.ts';
import { findToken, issueToken, TOKEN_USED, useToken } from '../trust/tokens.ts';
import type { Lxd } from './context.ts';
import { flagField, textField } from './fields.ts';
import { list, urlOf } from './lists.ts';

export function certificateRoutes(lxd: Lxd): readonly Route[] {
  /** Who is restricted knows itself. */
  const mayKnow = ({ caller }: ApiRequest, { fingerprint }: CertificateRecord) =>
    caller.access === 'admin' || caller.username === fingerprint;
  const find = (request: ApiRequest) => {
    const found = findCertificate(lxd.view, request.params.fingerprint!);
    return mayKnow(request, found.value) ? found : fail('not-found', 'Certificate not found');
  };
  return [
    {
      method: 'GET',
      path: '/1.0/certificates',
      access: 'trusted',
      handle: request =>
        list(
          request,
          lxd.view
            .list(CERTIFICATES)
            .map(({ value }) => value)
            .filter(record => mayKnow(request, record)),
          ({ fingerprint }) => urlOf('certificates', fingerprint),
          record => record,
        ),
    },
    {
      method: 'POST',
      path: '/1.0/certificates',
      access: 'anyone',
      handle: async request => {
        const body = await readBody(request, addBody);
        return request.caller.access === 'anyone' ? introduce(lxd, request, body) : add(lxd, request, body);
      },
    },
    {
      method: 'GET',
      path: '/1.0/certificates/:fingerprint',
      access: 'trusted',
      handle: request => {
        const { value } = find(request);
        return sync(value, writable(value));
      },
    },
    {
      method: 'PUT',
      path: '/1.0/certificates/:fingerprint',
      access: 'admin',
      handle: request => change(lxd, request, changeBody),
    },
    {
      method: 'PATCH',
      path: '/1.0/certificates/:fingerprint',
      access: 'admin',
      handle: request => change(lxd, request, changeBody),
    },
    {
      method: 'DELETE',
      path: '/1.0/certificates/:fingerprint',
      access: 'admin',
      handle: async request => {
        await commit(lxd, CERTIFICATES.remove(find(request)));
        return DONE;
      },
    },
  ];
}

const projectsField = z
  .array(z.string())
  .nullish()
  .transform(value => value ?? []);

/** Older clients leave it out or empty. */
const typeField = z
  .enum([...CERTIFICATE_TYPES, ''])
  .nullish()
  .transform(value => value || ('client' as const));

const addBody = z.object({
  name: textField,
  type: typeField,
  certificate: textField,
  password: textField,
  token: flagField,
  restricted: flagField,
  projects: projectsField,
});
type AddBody = z.infer<typeof addBody>;

const changeBody = z.object({
  name: z.string().optional(),
  type: z.enum(CERTIFICATE_TYPES).optional(),
  restricted: z.boolean().optional(),
  projects: z.array(z.string()).nullish(),
});

const writable = ({ name, type, restricted, projects, certificate }: CertificateRecord) => ({
  name,
  type,
  restricted,
  projects,
  certificate,
});

/** A stranger brings a password or a token; its certificate is the one of its connection unless it sends one. */
async function introduce(lxd: Lxd, request: ApiRequest, body: AddBody): Promise<Answer> {
  if (body.password === '') fail('forbidden', 'not authorized: a trust password or token is needed');
  const secret = secretOf(body.password);
  if (secret !== undefined) {
    const token = findToken(lxd, 'certificate', secret);
    const { kind: _, ...granted } = token.value.purpose;
    const record = certificateRecord(presented(request, body), granted);
    const both = together(useToken(token), CERTIFICATES.create(CERTIFICATES.key(record.fingerprint), record));
    await commit(lxd, both, failed => (failed.includes(token.key) ? TOKEN_USED() : alreadyTrusted()));
    return created(urlOf('certificates', record.fingerprint));
  }
  if (!(await isPassword(lxd.view, body.password)))
    fail('forbidden', 'not authorized: the trust password is wrong or not set');
  const record = certificateRecord(presented(request, body), {
    name: body.name,
    type: 'client',
    restricted: false,
    projects: [],
  });
  await trustCertificate(lxd, record);
  return created(urlOf('certificates', record.fingerprint));
}

/** Who is trusted may vouch for another certificate, or have a token made for someone who has none yet. */
async function add(lxd: Lxd, request: ApiRequest, body: AddBody): Promise<Answer> {
  if (!body.token && body.certificate === '') {
    // Sent again on every run by clients that keep the password in their play.
    if (body.password !== '') throw alreadyTrusted();
    fail('invalid', 'Client is already trusted');
  }
  if (request.caller.access !== 'admin') fail('forbidden', 'not authorized: this certificate is restricted');
  const { name, type, restricted, projects } = body;
  if (body.token) {
    if (name === '') fail('invalid', 'Invalid "name": a token needs the name of the client it is for');
    const token = await issueToken(lxd, { kind: 'certificate', name, type, restricted, projects });
    return started((await lxd.operations.find(token.id)).operation);
  }
  const record = certificateRecord(readCertificate(body.certificate), { name, type, restricted, projects });
  await trustCertificate(lxd, record);
  return created(urlOf('certificates', record.fingerprint));
}

function presented(request: ApiRequest, body: AddBody): string {
  if (body.certificate !== '') return readCertificate(body.certificate);
  const own = request.caller.certificate;
  if (own === undefined)
    fail('invalid', 'Invalid "certificate": none was sent, and the connection has no client certificate');
  return readCertificate(own.toString('base64'));
}

async function change(lxd: Lxd, request: ApiRequest, schema: typeof changeBody): Promise<Answer> {
  const old = findCertificate(lxd.view, request.params.fingerprint!);
  matchEtag(request, writable(old.value));
  const { name, type, restricted, projects } = await readBody(request, schema);
  const record: CertificateRecord = {
    ...old.value,
    name: name ?? old.value.name,
    type: type ?? old.value.type,
    restricted: restricted ?? old.value.restricted,
    projects: projects ?? old.value.projects,
  };
  await commit(lxd, CERTIFICATES.replace(old, record));
  return DONE;
}

const alreadyTrusted = () => new AppError('exists', ALREADY_TRUSTED);
