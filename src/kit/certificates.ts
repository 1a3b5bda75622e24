/**
 * X.509 without a spawned openssl: the cluster's own authority, certificates it signs from requests, and self-signed
 * ones for clients and for the public API. Keys are EC P-256, as fast as TLS gets; PEM texts throughout.
 */
import 'reflect-metadata';
import { createHash, X509Certificate as NodeCertificate, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto as never);

const KEY = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const YEARS_MS = 365 * 24 * 3600 * 1000;
const CLOCK_SKEW_MS = 3600 * 1000;

export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** A name a certificate is good for: a DNS name, an IP address or a URI. */
export type SubjectName = { readonly type: 'dns' | 'ip' | 'url'; readonly value: string };

/** A certificate that may sign others, for ten years. */
export async function makeAuthority(commonName: string): Promise<Identity> {
  return selfSign(commonName, 10, [
    new x509.BasicConstraintsExtension(true, 0, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
  ]);
}

/** A certificate that signs itself, good as TLS server and client, for ten years. */
export async function makeSelfSigned(commonName: string, names: readonly SubjectName[] = []): Promise<Identity> {
  return selfSign(commonName, 10, leafExtensions(names));
}

/** A key and a request to have it signed; the key never leaves the host that made it. */
export async function makeRequest(commonName: string): Promise<{ readonly key: string; readonly csr: string }> {
  const keys = await makeKeys();
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    name: `CN=${quote(commonName)}`,
    keys,
    signingAlgorithm: KEY,
  });
  return { key: await exportKey(keys.privateKey), csr: csr.toString('pem') };
}

/**
 * Signs a request for exactly `names`, whatever the request itself asked for.
 * @throws if the request is not signed by its own key.
 */
export async function signRequest(
  authority: Identity,
  csr: string,
  commonName: string,
  names: readonly SubjectName[],
): Promise<string> {
  const request = new x509.Pkcs10CertificateRequest(csr);
  if (!(await request.verify())) throw new Error('the certificate request is not signed by its own key');
  const issuer = new x509.X509Certificate(authority.cert);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: `CN=${quote(commonName)}`,
    issuer: issuer.subject,
    notBefore: new Date(Date.now() - CLOCK_SKEW_MS),
    notAfter: new Date(Date.now() + 5 * YEARS_MS),
    publicKey: request.publicKey,
    signingKey: await importKey(authority.key),
    signingAlgorithm: KEY,
    extensions: leafExtensions(names),
  });
  return certificate.toString('pem');
}

/** A key with a certificate from `authority`, for parts that run beside it. */
export async function issue(authority: Identity, commonName: string, names: readonly SubjectName[]): Promise<Identity> {
  const { key, csr } = await makeRequest(commonName);
  return { key, cert: await signRequest(authority, csr, commonName, names) };
}

/** LXD's fingerprint: sha256 of the DER form, lower-case hex. Takes PEM or DER. */
export function fingerprintOf(certificate: string | Buffer): string {
  return createHash('sha256').update(new NodeCertificate(certificate).raw).digest('hex');
}

async function selfSign(commonName: string, years: number, extensions: x509.Extension[]): Promise<Identity> {
  const keys = await makeKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=${quote(commonName)}`,
    notBefore: new Date(Date.now() - CLOCK_SKEW_MS),
    notAfter: new Date(Date.now() + years * YEARS_MS),
    keys,
    signingAlgorithm: KEY,
    extensions,
  });
  return { cert: certificate.toString('pem'), key: await exportKey(keys.privateKey) };
}

function leafExtensions(names: readonly SubjectName[]): x509.Extension[] {
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
    ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension([...names])]),
  ];
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>;
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = x509.PemConverter.decodeFirst(pem);
  return webcrypto.subtle.importKey('pkcs8', der, KEY, true, ['sign']) as Promise<webcrypto.CryptoKey>;
}

function serial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = bytes[0]! & 0x7f; // positive, as RFC 5280 wants it
  return Buffer.from(bytes).toString('hex');
}

/** RFC 4514 escaping, so that a name cannot smuggle another attribute in. */
function quote(text: string): string {
  return text.replace(/[\\,+"<>;=#]/g, character => `\\${character}`);
}
