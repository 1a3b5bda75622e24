/** LXD's operation object: how it shows sagas, exec sessions and tokens, which are all one thing to its clients. */
import type { Json } from '../saga/saga.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { imageResources } from '../sagas/urls.ts';
import type { SessionRecord } from '../sessions/session-record.ts';
import type { TokenRecord } from '../trust/tokens.ts';
import { isoTime, STATUS_TEXT, type StatusCode } from './status.ts';

export interface Operation {
  readonly id: string;
  readonly class: 'task' | 'websocket' | 'token';
  readonly description: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly status: string;
  readonly status_code: StatusCode;
  readonly resources: Readonly<Record<string, readonly string[]>>;
  readonly metadata: Readonly<Record<string, Json>> | null;
  readonly may_cancel: boolean;
  readonly err: string;
  readonly location: string;
}

const SAGA_STATUS = {
  running: 103,
  unwinding: 103,
  succeeded: 200,
  failed: 400,
  cancelled: 401,
  stuck: 400,
} as const satisfies Record<SagaRecord['state'], StatusCode>;

export function sagaOperation(record: SagaRecord): Operation {
  const code = SAGA_STATUS[record.state];
  return {
    id: record.id,
    class: 'task',
    description: record.description,
    created_at: isoTime(record.createdAt),
    updated_at: isoTime(record.updatedAt),
    status: STATUS_TEXT[code],
    status_code: code,
    resources: record.resources,
    metadata: record.metadata,
    may_cancel: record.state === 'running',
    err: code === 200 ? '' : (record.error?.message ?? ''),
    location: record.location,
  };
}

const SESSION_STATUS = {
  pending: 103, // as in LXD: it counts as running while it waits for its sockets
  running: 103,
  succeeded: 200,
  failed: 400,
  cancelled: 401,
} as const satisfies Record<SessionRecord['state'], StatusCode>;

export function sessionOperation(record: SessionRecord): Operation {
  const code = SESSION_STATUS[record.state];
  return {
    id: record.id,
    class: record.websocket ? 'websocket' : 'task',
    description: record.description,
    created_at: isoTime(record.createdAt),
    updated_at: isoTime(record.updatedAt),
    status: STATUS_TEXT[code],
    status_code: code,
    resources: record.resources,
    metadata: record.metadata,
    may_cancel: false,
    err: record.error ?? '',
    location: record.location,
  };
}

const TOKEN_TEXT = {
  join: 'Cluster member join token',
  certificate: 'Certificate add token',
  image: 'Image download token',
} as const satisfies Record<TokenRecord['purpose']['kind'], string>;

function tokenMetadata(purpose: TokenRecord['purpose'], common: { readonly secret: string }) {
  if (purpose.kind === 'image') return { secret: common.secret };
  if (purpose.kind === 'join') return { ...common, serverName: purpose.node };
  return { ...common, request: { ...purpose, token: true, certificate: '', password: '' } };
}

/** What the client makes the token's text from is in the metadata. */
export function tokenOperation(
  record: TokenRecord,
  server: { readonly fingerprint: string; readonly addresses: readonly string[] },
): Operation {
  const expiresAt = isoTime(record.expiresAt);
  const common = { secret: record.secret, fingerprint: server.fingerprint, addresses: server.addresses, expiresAt };
  const { purpose } = record;
  const created = isoTime(record.createdAt);
  return {
    id: record.id,
    class: 'token',
    description: TOKEN_TEXT[purpose.kind],
    created_at: created,
    updated_at: created,
    status: STATUS_TEXT[103],
    status_code: 103,
    resources: purpose.kind === 'image' ? imageResources(purpose.project, purpose.fingerprint) : {},
    metadata: tokenMetadata(purpose, common),
    may_cancel: true,
    err: '',
    location: 'none',
  };
}
