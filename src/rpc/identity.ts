/**
 * Who a certificate speaks for: a URI in its subject alternative name. The cluster's own authority signs them; a
 * certificate is good for one role and one name only.
 */
import type { PeerCertificate } from 'node:tls';

export interface TlsIdentity {
  /** PEM texts. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export const controllerUri = (name: string) => `berth://controller/${name}`;
export const agentUri = (node: string) => `berth://agent/${node}`;

/** The `berth://` URI of a certificate, or undefined if it has none. */
export function uriOf(certificate: Pick<PeerCertificate, 'subjectaltname'> | undefined): string | undefined {
  return certificate?.subjectaltname
    ?.split(', ')
    .find(name => name.startsWith('URI:berth://'))
    ?.slice('URI:'.length);
}

export function isController(uri: string | undefined): boolean {
  return uri?.startsWith('berth://controller/') ?? false;
}
