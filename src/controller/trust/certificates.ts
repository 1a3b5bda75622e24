/** Certificates of clients that may use the API. */
import { X509Certificate } from 'node:crypto';
import { AppError, fail } from '../../domain/errors.ts';
import { fingerprintOf } from '../../kit/certificates.ts';
import { keyspace, type Stored } from '../../store/keyspace.ts';
import type { Store } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import { commit } from '../commit.ts';

export const CERTIFICATE_TYPES = ['client', 'metrics'] as const;
export type CertificateType = (typeof CERTIFICATE_TYPES)[number];

/** Key `certificates/<fingerprint>`; written by the certificates API. */
export interface CertificateRecord {
  readonly fingerprint: string;
  readonly type: CertificateType;
  readonly name: string;
  /** PEM. */
  readonly certificate: string;
  readonly restricted: boolean;
  readonly projects: readonly string[];
}

export const CERTIFICATES = keyspace<CertificateRecord>('certificates');

type Place = { readonly store: Store; readonly view: View };

/** Ansible ignores exactly this text. */
export const ALREADY_TRUSTED = 'Certificate already in trust store';

/** @throws AppError `exists` with the text of `ALREADY_TRUSTED`. */
export async function trustCertificate(place: Place, record: CertificateRecord): Promise<void> {
  const key = CERTIFICATES.key(record.fingerprint);
  await commit(place, CERTIFICATES.create(key, record), () => new AppError('exists', ALREADY_TRUSTED));
}

/** By its fingerprint or an unambiguous beginning of it. @throws AppError `not-found`. */
export function findCertificate(view: View, fingerprint: string): Stored<CertificateRecord> {
  const wanted = fingerprint.toLowerCase();
  const found = view.list(CERTIFICATES).filter(({ value }) => value.fingerprint.startsWith(wanted));
  if (wanted === '' || found.length === 0) fail('not-found', 'Certificate not found');
  if (found.length > 1) fail('invalid', `More than one certificate begins with "${fingerprint}"`);
  return found[0]!;
}

/**
 * A certificate as clients send it: PEM, or the base64 of its DER with or without line breaks.
 * @returns PEM. @throws AppError `invalid`.
 */
export function readCertificate(text: string): string {
  const body = text.includes('-----BEGIN')
    ? text
    : `-----BEGIN CERTIFICATE-----\n${wrap(text)}\n-----END CERTIFICATE-----\n`;
  try {
    return new X509Certificate(body).toString();
  } catch (error) {
    return fail('invalid', 'Invalid "certificate": it is neither PEM nor the base64 of a DER certificate', error);
  }
}

export function certificateRecord(
  pem: string,
  rest: Pick<CertificateRecord, 'type' | 'name' | 'restricted' | 'projects'>,
): CertificateRecord {
  return { fingerprint: fingerprintOf(pem), certificate: pem, ...rest };
}

function wrap(base64: string): string {
  return base64.replace(/\s+/g, '').replace(/(.{64})(?=.)/g, '$1\n');
}
