/**
 * Where the daemon connects: a port of this host's loopback that takes one connection, and only from root, for whoever
 * comes here may read the memory of the guest.
 */
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';

export interface PageDoor {
  readonly port: number;
  /** The daemon's connection, once it came. */
  readonly connection: Promise<Socket>;
  close(): void;
}

export async function openPageDoor(): Promise<PageDoor> {
  const server = createServer({ noDelay: true });
  const { promise: connection, resolve } = Promise.withResolvers<Socket>();
  server.on('connection', socket => {
    if (!isRoots(socket)) return socket.destroy();
    server.close(); // no other
    return resolve(socket);
  });
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(0, '127.0.0.1', listening);
  });
  const { port } = server.address() as AddressInfo;
  return { port, connection, close: () => void server.close() };
}

/** The kernel tells the owner of the other end, as it is on this host too. */
function isRoots({ remotePort, localPort }: Socket): boolean {
  const inHex = (port = 0) => port.toString(16).toUpperCase().padStart(4, '0');
  const ends = `0100007F:${inHex(remotePort)} 0100007F:${inHex(localPort)}`;
  const line = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .find(each => each.includes(ends));
  return line?.trim().split(/\s+/)[7] === '0';
}
