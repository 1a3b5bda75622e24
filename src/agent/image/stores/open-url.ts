/**
 * A request to a server outside of the cluster: HTTPS only, its certificate pinned or judged by the system's authorities,
 * redirects followed, given up when nothing moves for a minute.
 */
import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { type ConnectionOptions, createSecureContext, type PeerCertificate, type SecureContext } from 'node:tls';
import { AppError, fail } from '../../../domain/errors.ts';
import { systemAuthorities } from '../../../kit/authorities.ts';

/** How to reach a server, and how to know it. */
export interface Way {
  /** PEM of the only certificate it may show; '' = the system's authorities judge. */
  readonly certificate: string;
}

const MAX_REDIRECTS = 5;
const IDLE_MS = 60_000;
const USER_AGENT = 'Berth';

/** The answer's head, its body still to be read; statuses other than 2xx are thrown. */
export async function openUrl(url: string, way: Way): Promise<IncomingMessage> {
  let at = checkUrl(url);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await send(at, way);
    const status = response.statusCode ?? 0;
    const { location } = response.headers;
    if (status < 300) return response;
    if (![301, 302, 303, 307, 308].includes(status) || location === undefined)
      throw await refusal(at, status, response);
    response.destroy();
    at = checkUrl(new URL(location, at).href);
  }
  return fail('invalid', `${at.host} sends from one address to the next, more than ${MAX_REDIRECTS} times`);
}

function checkUrl(url: string): URL {
  if (!URL.canParse(url)) fail('invalid', `"${url}" is not a URL`);
  const parsed = new URL(url);
  if (parsed.protocol !== 'https:') fail('invalid', `${parsed.href}: only https URLs can be fetched`);
  return parsed;
}

function send(url: URL, way: Way): Promise<IncomingMessage> {
  const options: RequestOptions = {
    headers: { 'user-agent': USER_AGENT },
    timeout: IDLE_MS,
    agent: false,
    ...trust(way),
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, options, resolve);
    sent.once('timeout', () =>
      sent.destroy(new AppError('unavailable', `${url.host} sent nothing for ${IDLE_MS / 1000} s`)),
    );
    sent.once('error', cause => reject(unreachable(url, cause)));
    sent.end();
  });
}

let system: SecureContext | undefined;

/** Both checks run before the first byte of a request leaves. */
function trust({ certificate }: Way): ConnectionOptions {
  if (certificate === '') {
    const ca = systemAuthorities();
    system ??= createSecureContext(ca === undefined ? {} : { ca });
    return { secureContext: system };
  }
  const pinned = Buffer.from(certificate.replace(/-----[A-Z ]+-----/g, ''), 'base64');
  return {
    ca: certificate,
    allowPartialTrustChain: true,
    checkServerIdentity: (host: string, peer: PeerCertificate) =>
      peer.raw.equals(pinned)
        ? undefined
        : new AppError('forbidden', `${host} shows another certificate than the one that was given`),
  };
}

async function refusal(url: URL, status: number, response: IncomingMessage): Promise<AppError> {
  const said = messageOf(await readAll(response, 64 * 1024).catch(() => ''));
  const code =
    status === 404
      ? 'not-found'
      : status === 401 || status === 403
        ? 'forbidden'
        : status >= 500
          ? 'unavailable'
          : 'invalid';
  return new AppError(code, `${url.host} answers ${status} for ${url.pathname}${said === '' ? '' : `: ${said}`}`);
}

/** LXD's servers say why in JSON. */
function messageOf(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === 'string' ? error.slice(0, 500) : '';
  } catch {
    return '';
  }
}

function unreachable(url: URL, cause: Error & { code?: string }): AppError {
  if (cause instanceof AppError) return cause;
  const isCertificate = /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO/.test(cause.code ?? '');
  return isCertificate
    ? new AppError('forbidden', `The certificate of ${url.host} is not trusted: ${cause.message}`, cause)
    : new AppError('unavailable', `${url.host} cannot be reached: ${cause.message || cause.code}`, cause);
}

/** The whole body as text. @throws AppError `invalid` if it is larger than `maxBytes` */
export async function readAll(response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      response.destroy();
      fail('invalid', `The server says more than ${maxBytes} bytes where it should say little`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
