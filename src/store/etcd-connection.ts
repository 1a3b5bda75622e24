/**
 * One etcd member: calls and streams over the etcd3 package's clients, with our own deadlines, credentials and token.
 * Of etcd3 we take the protocol and its clients, not its retries (they repeat writes blindly), its circuit breaker (one
 * oversized answer makes all calls fail for 5 s), nor its watcher (it loses events on reconnect).
 */
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { type CallOptions, type ChannelCredentials, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import type * as etcd from 'etcd3';
import { Host } from 'etcd3/lib/connection-pool.js';
import type { Clock } from '../kit/clock.ts';
import { EtcdError } from './etcd-failure.ts';
import { CallStream, type RawStream } from './etcd-stream.ts';

/** PEM texts. Without `cert` and `key` the server alone is authenticated. */
export interface EtcdTls {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface EtcdAuth {
  readonly user: string;
  readonly password: string;
}

interface Calls {
  range: [etcd.IRangeRequest, etcd.IRangeResponse];
  txn: [etcd.ITxnRequest, etcd.ITxnResponse];
  leaseGrant: [etcd.ILeaseGrantRequest, etcd.ILeaseGrantResponse];
  leaseRevoke: [etcd.ILeaseRevokeRequest, etcd.ILeaseRevokeResponse];
  authenticate: [etcd.IAuthenticateRequest, etcd.IAuthenticateResponse];
}
export type CallName = keyof Calls;
export type RequestOf<C extends CallName> = Calls[C][0];
export type ResponseOf<C extends CallName> = Calls[C][1];

interface Streams {
  watch: [etcd.IWatchRequest, etcd.IWatchResponse];
  leaseKeepAlive: [etcd.ILeaseKeepAliveRequest, etcd.ILeaseKeepAliveResponse];
}
export type StreamName = keyof Streams;
export type StreamOf<S extends StreamName> = CallStream<Streams[S][0], Streams[S][1]>;

const SERVICE = {
  range: 'KV',
  txn: 'KV',
  leaseGrant: 'Lease',
  leaseRevoke: 'Lease',
  authenticate: 'Auth',
  watch: 'Watch',
  leaseKeepAlive: 'Lease',
} as const satisfies Record<CallName | StreamName, string>;

const CHANNEL = {
  'grpc.max_receive_message_length': -1, // the default, 4 MB, is less than one page of a list may be
  'grpc.max_send_message_length': -1, // etcd sets the limit
  'grpc.keepalive_time_ms': 6000, // etcd hangs up on whoever pings more often than every 5 s
  'grpc.keepalive_timeout_ms': 3000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
  'grpc.enable_retries': 0, // what is repeated, and when, is decided by us
  'grpc.enable_http_proxy': 0, // a proxy meant for the web is not meant for etcd
};

type UnaryMethod<C extends CallName> = (
  request: RequestOf<C>,
  metadata: Metadata,
  options: CallOptions,
  done: (error: ServiceError | null, response: ResponseOf<C>) => void,
) => void;

export class Connection {
  readonly endpoint: string;
  readonly #host: Host;
  readonly #auth: EtcdAuth | undefined;
  readonly #clock: Clock;
  #token: Promise<string> | undefined;

  /** @param endpoint `host:port`, a scheme before it is ignored: TLS is used if and only if `tls` is given. */
  constructor(endpoint: string, tls: EtcdTls | undefined, auth: EtcdAuth | undefined, clock: Clock) {
    const { hostname, host } = new URL(endpoint.includes('://') ? endpoint : `etcd://${endpoint}`);
    this.endpoint = endpoint;
    this.#auth = auth;
    this.#clock = clock;
    this.#host = new Host(host, channelCredentials(hostname.replace(/^\[|\]$/g, ''), tls), {
      ...CHANNEL,
      ...(tls !== undefined && isIP(hostname) ? { 'grpc.ssl_target_name_override': 'etcd.invalid' } : {}),
    });
  }

  /** @throws EtcdError */
  async call<C extends CallName>(name: C, request: RequestOf<C>, timeoutMs: number): Promise<ResponseOf<C>> {
    const metadata = await this.#metadata(timeoutMs);
    return this.#unary(name, request, metadata, timeoutMs);
  }

  /** @throws EtcdError */
  async open<S extends StreamName>(name: S, timeoutMs: number): Promise<StreamOf<S>> {
    const metadata = await this.#metadata(timeoutMs);
    const client = this.#host.getServiceClient(SERVICE[name]) as unknown as Record<
      S,
      (metadata: Metadata) => RawStream<Streams[S][0]>
    >;
    return new CallStream(client[name](metadata), this.#clock);
  }

  /** The next call asks for a new one. */
  forgetToken(): void {
    this.#token = undefined;
  }

  close(): void {
    this.#host.close();
  }

  #unary<C extends CallName>(name: C, request: RequestOf<C>, metadata: Metadata, timeoutMs: number) {
    const client = this.#host.getServiceClient(SERVICE[name]) as unknown as Record<C, UnaryMethod<C>>;
    return new Promise<ResponseOf<C>>((resolve, reject) => {
      const deadline = new Date(this.#clock.now() + timeoutMs);
      client[name](request, metadata, { deadline }, (error, response) =>
        error === null ? resolve(response) : reject(EtcdError.from(error)),
      );
    });
  }

  async #metadata(timeoutMs: number): Promise<Metadata> {
    const metadata = new Metadata();
    metadata.set('hasleader', 'true'); // a member cut off from the others says so at once instead of hanging
    if (this.#auth === undefined) return metadata;
    this.#token ??= this.#authenticate(this.#auth, timeoutMs);
    metadata.set('token', await this.#token);
    return metadata;
  }

  async #authenticate({ user, password }: EtcdAuth, timeoutMs: number): Promise<string> {
    try {
      const request = { name: user, password };
      return (await this.#unary('authenticate', request, new Metadata(), timeoutMs)).token;
    } catch (error) {
      this.#token = undefined;
      throw error;
    }
  }
}

/** An IP address cannot be a TLS server name (RFC 6066), so for one the certificate is held against the address here. */
function channelCredentials(hostname: string, tls: EtcdTls | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const pem = (text: string | undefined) => (text === undefined ? null : Buffer.from(text));
  const verify = { checkServerIdentity: (_: string, peer: PeerCertificate) => checkServerIdentity(hostname, peer) };
  return credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.cert), isIP(hostname) ? verify : {});
}
