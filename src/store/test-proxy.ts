/** A TCP proxy for tests that cuts connections in mid-message after a number of bytes, by a seed, or holds one back. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface CuttingProxy {
  /** `host:port` to connect to. */
  readonly endpoint: string;
  /** Connections cut so far. */
  readonly cuts: number;
  /** From now on connections live as long as they like. */
  calm(): void;
  /**
   * Holds back what comes next from a client, and cuts that client off, but not the connection to the target. Resolves
   * when done, to what sends the held bytes on after all: a request that arrives long after its sender gave up.
   */
  holdNext(): Promise<() => void>;
  close(): Promise<void>;
}

/** Long enough for all of one request to arrive. */
const HOLD_MS = 50;

/** @param bytes how many a connection carries, both ways together, before it is cut: `least` to `most`. */
export async function startCuttingProxy(
  target: string,
  seed: number,
  bytes: { readonly least: number; readonly most: number },
): Promise<CuttingProxy> {
  const random = mulberry32(seed);
  const sockets = new Set<Socket>();
  let cuts = 0;
  let cutting = true;
  let hold: ((flush: () => void) => void) | undefined;
  const [host, port] = target.split(':') as [string, string];

  const server = createServer(client => {
    const upstream = connect(Number(port), host);
    let left = bytes.least * (bytes.most / bytes.least) ** random(); // many short lives, some long
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    let held: Buffer[] | undefined;
    const holdBack = () => {
      held = [];
      const done = hold!;
      hold = undefined;
      setTimeout(() => {
        client.destroy();
        done(() => upstream.write(Buffer.concat(held!)));
      }, HOLD_MS);
    };
    const pass = (from: Socket, to: Socket) => {
      sockets.add(from);
      from.on('error', end);
      from.on('close', () => {
        sockets.delete(from);
        if (held === undefined) end();
      });
      from.on('data', chunk => {
        if (hold !== undefined && from === client) holdBack();
        if (held !== undefined) return from === client && held.push(chunk);
        left -= chunk.length;
        if (!cutting || left > 0) return to.write(chunk);
        if (to.destroyed) return;
        cuts++;
        to.end(chunk.subarray(0, Math.max(0, chunk.length + left)), () => end());
      });
    };
    pass(client, upstream);
    pass(upstream, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get cuts() {
      return cuts;
    },
    holdNext: () => new Promise(resolve => (hold = resolve)),
    calm: () => {
      cutting = false;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A small seeded generator of numbers in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
