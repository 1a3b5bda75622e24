/** The certificate authorities that this system trusts, where Go's and OpenSSL's programs look for them. */
import { readFileSync } from 'node:fs';

const BUNDLES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem'];

/** PEM; undefined where there is no such file: then Node's own list holds. `SSL_CERT_FILE` names another one. */
export function systemAuthorities(env: Readonly<Record<string, string | undefined>> = process.env): string | undefined {
  for (const file of env.SSL_CERT_FILE ? [env.SSL_CERT_FILE] : BUNDLES) {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      // the next one
    }
  }
  return undefined;
}
