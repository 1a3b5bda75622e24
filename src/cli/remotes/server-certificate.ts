import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../../domain/errors.ts';
import { unreachable } from '../api/client.ts';
import { pemToDer } from '../api/endpoint.ts';
import type { Io } from '../io.ts';
import { configFile } from './config-file.ts';

/** The pinned certificate of each remote, one PEM file per remote, beside the list of remotes. */
function pinFile(env: Io['env'], remote: string): string {
  return join(dirname(configFile(env)), 'servercerts', `${remote}.crt`);
}

export async function readPin(env: Io['env'], remote: string): Promise<string | undefined> {
  try {
    return await readFile(pinFile(env, remote), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export async function writePin(env: Io['env'], remote: string, pem: string): Promise<void> {
  const file = pinFile(env, remote);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, pem);
}

export async function removePin(env: Io['env'], remote: string): Promise<void> {
  await rm(pinFile(env, remote), { force: true });
}

export async function renamePin(env: Io['env'], from: string, to: string): Promise<void> {
  if ((await readPin(env, from)) !== undefined) await rename(pinFile(env, from), pinFile(env, to));
}

/** What the server shows to a stranger, unverified: for the user, or a token's fingerprint, to judge. PEM. */
export async function fetchServerCertificate(url: string): Promise<string> {
  const tls = await import('node:tls');
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const options = {
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || 443),
      rejectUnauthorized: false,
      timeout: 10_000,
    };
    const socket = tls.connect(options, () => {
      const { raw } = socket.getPeerCertificate();
      socket.destroy();
      resolve(derToPem(raw));
    });
    socket.once('timeout', () => socket.destroy(new Error('no answer within 10 s')));
    socket.once('error', error =>
      reject(error instanceof AppError ? error : unreachable({ kind: 'https', url }, error)),
    );
  });
}

/** SHA-256 of the DER, in lower-case hex: how LXD names certificates. */
export function fingerprint(pem: string): string {
  return createHash('sha256').update(pemToDer(pem)).digest('hex');
}

function derToPem(der: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/(.{64})(?=.)/g, '$1\n')}\n-----END CERTIFICATE-----\n`;
}
