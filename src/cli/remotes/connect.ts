import { AppError } from '../../domain/errors.ts';
import { Client } from '../api/client.ts';
import type { Endpoint } from '../api/endpoint.ts';
import type { Query } from '../api/path.ts';
import type { Io } from '../io.ts';
import { localSocket } from './local-socket.ts';
import type { Remote } from './remote.ts';

/** Opens the client for a remote: its socket or address, its pinned certificate, our certificate, its project. */
export async function connect(
  env: Io['env'],
  name: string,
  remote: Remote,
  project: string | undefined,
  trace?: (line: string) => void,
): Promise<Client> {
  if (remote.protocol === 'simplestreams') {
    throw new AppError(
      'invalid',
      `The remote "${name}" is an image store: launch, init and image copy can take images from it, nothing else works on it`,
    );
  }
  const chosen = project ?? remote.project;
  const query: Query = chosen === undefined || chosen === 'default' ? {} : { project: chosen };
  return new Client(await endpointOf(env, name, remote), query, trace);
}

async function endpointOf(env: Io['env'], name: string, remote: Remote): Promise<Endpoint> {
  if (remote.addr.startsWith('unix:')) {
    const path = remote.addr.replace(/^unix:(\/\/)?/, '');
    return { kind: 'unix', socketPath: path || localSocket(env, import.meta.dirname) };
  }
  const { readPin } = await import('./server-certificate.ts');
  const pin = await readPin(env, name);
  const pinned = pin === undefined ? {} : { serverCertificate: pin };
  if (remote.public) return { kind: 'https', url: remote.addr, ...pinned };
  const { clientCertificate } = await import('./client-certificate.ts');
  const { cert, key } = await clientCertificate(env);
  return { kind: 'https', url: remote.addr, clientCertificate: cert, clientKey: key, ...pinned };
}
