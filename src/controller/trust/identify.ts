/** Tells who is at the other end of a connection: the local socket is trusted, certificates are looked up. */
import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { View } from '../../store/view.ts';
import type { Caller } from '../http/caller.ts';
import { CERTIFICATES } from './certificates.ts';

export function identify(view: View, socket: Duplex): Caller {
  if (!(socket instanceof TLSSocket)) return { access: 'admin', protocol: 'unix', username: 'root', address: '@' };
  const address = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`;
  const certificate = socket.getPeerCertificate().raw as Buffer | undefined;
  if (certificate === undefined) return { access: 'anyone', protocol: 'tls', username: '', address };
  const fingerprint = createHash('sha256').update(certificate).digest('hex');
  const known = view.get(CERTIFICATES.key(fingerprint))?.value;
  const caller = { protocol: 'tls', username: fingerprint, address, certificate } as const;
  if (known === undefined) return { ...caller, access: 'anyone' };
  if (known.type === 'metrics') return { ...caller, access: 'metrics' };
  return known.restricted ? { ...caller, access: 'trusted', projects: known.projects } : { ...caller, access: 'admin' };
}
