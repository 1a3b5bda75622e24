/** Who sent a request, as far as the connection tells. */
import type { Access } from './route.ts';

export interface Caller {
  /** What it may do; `anyone` = we do not know it. */
  readonly access: Access;
  readonly protocol: 'unix' | 'tls';
  /** Fingerprint of its certificate, or `root` on the local socket; '' without either. */
  readonly username: string;
  readonly address: string;
  /** DER of the certificate it presented, known to us or not. */
  readonly certificate?: Buffer;
  /** The projects it is restricted to; absent = all. */
  readonly projects?: readonly string[];
}
