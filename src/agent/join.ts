/**
 * Joining a cluster: the token says where the controllers are and what their certificate is, so a stranger in between
 * is noticed before the secret is sent. The private key is made here and never leaves this host.
 */

import { mkdir } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { z } from 'zod';
import { AppError, fail } from '../domain/errors.ts';
import { checkName } from '../domain/names.ts';
import { fingerprintOf, makeRequest } from '../kit/certificates.ts';
import { systemClock } from '../kit/clock.ts';
import { readConfig, writeConfig } from './agent-config.ts';
import { writeAtomically } from './atomic-file.ts';
import { makeFolders, pathsIn } from './paths.ts';

const TIMEOUT_MS = 15_000;

export interface JoinOptions {
  /** As printed by `berth cluster add`. */
  readonly token: string;
  readonly data: string;
  /** IP:PORT under which the controllers reach this agent. */
  readonly address: string;
}

const tokenShape = z.object({
  server_name: z.string(),
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/i),
  addresses: z.array(z.string()).min(1),
  secret: z.string().min(1),
  expires_at: z.string().optional(),
});
type JoinToken = z.output<typeof tokenShape>;

const answerShape = z.object({
  metadata: z.object({ ca: z.string(), certificate: z.string(), controllers: z.array(z.string()).default([]) }),
});

/** Returns the node's name. Everything is on disk afterwards: `run` needs the data folder only. */
export async function joinCluster({ token: text, data, address }: JoinOptions): Promise<string> {
  const token = parseToken(text);
  const name = checkName('node', token.server_name);
  if (!/^.+:\d{1,5}$/.test(address)) fail('invalid', `--address ${address}: must be IP:PORT`);
  const paths = pathsIn(data);
  await makeFolders(paths);
  const config = await readConfig(paths.config);

  const { key, csr } = await makeRequest(name);
  const answer = await ask(token, { server_name: name, secret: token.secret, csr, address });

  await mkdir(paths.tls, { recursive: true, mode: 0o700 });
  await writeAtomically(join(paths.tls, 'agent.key'), key);
  await writeAtomically(join(paths.tls, 'agent.crt'), answer.certificate);
  await writeAtomically(join(paths.tls, 'ca.crt'), answer.ca);
  await writeConfig(paths.config, { ...config, name, listen: config.listen ?? address });
  return name;
}

/** @throws AppError `invalid` if it is no token, or has expired */
export function parseToken(text: string, now = systemClock.now()): JoinToken {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(text.trim(), 'base64').toString());
  } catch (cause) {
    throw new AppError(
      'invalid',
      'this is not a join token: copy the whole text that "berth cluster add" printed',
      cause,
    );
  }
  const parsed = tokenShape.safeParse(json);
  if (!parsed.success) {
    fail(
      'invalid',
      `this join token is damaged (${parsed.error.issues[0]!.path.join('.') || 'not an object'}): get a new one`,
    );
  }
  const expiresAt = Date.parse(parsed.data.expires_at ?? '');
  if (expiresAt > 0 && expiresAt < now) fail('invalid', 'this join token has expired: run "berth cluster add" again');
  return parsed.data;
}

/** Asks the controllers in turn until one can be reached; what a reached one says is final. */
async function ask(token: JoinToken, body: object) {
  const unreachable: string[] = [];
  for (const address of token.addresses) {
    try {
      return await askOne(address, token.fingerprint.toLowerCase(), JSON.stringify(body));
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.code !== 'unavailable') throw thrown;
      unreachable.push(thrown.message);
    }
  }
  return fail('unavailable', `no controller could be reached: ${unreachable.join('; ')}`);
}

function askOne(address: string, fingerprint: string, body: string): Promise<z.output<typeof answerShape>['metadata']> {
  return new Promise((resolve, reject) => {
    // The certificate is checked by its fingerprint below, before anything is sent: it signs itself.
    const call = request(`https://${address}/1.0/cluster/join`, {
      method: 'POST',
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
      agent: false,
      timeout: TIMEOUT_MS,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    });
    call.on('socket', socket =>
      socket.once('secureConnect', () => {
        const met = fingerprintOf((socket as TLSSocket).getPeerCertificate().raw);
        if (met === fingerprint) return call.end(body);
        call.destroy(
          new AppError('forbidden', `${address} is not the controller that made this token (its certificate differs)`),
        );
      }),
    );
    call.on('timeout', () => call.destroy(new AppError('unavailable', `${address} does not answer`)));
    call.on('error', cause =>
      reject(cause instanceof AppError ? cause : new AppError('unavailable', `${address}: ${cause.message}`, cause)),
    );
    call.on('response', async response => {
      try {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk as Buffer);
        resolve(parseAnswer(address, response.statusCode ?? 0, Buffer.concat(chunks).toString()));
      } catch (thrown) {
        reject(thrown);
      }
    });
  });
}

function parseAnswer(address: string, status: number, text: string) {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return fail('unavailable', `${address} does not answer as a controller does (HTTP ${status})`);
  }
  const parsed = answerShape.safeParse(json);
  if (status < 400 && parsed.success) return parsed.data.metadata;
  const { error } = z
    .object({ error: z.string().default('') })
    .catch({ error: '' })
    .parse(json);
  return fail('forbidden', `the controller refused: ${error || `HTTP ${status}`}`);
}
