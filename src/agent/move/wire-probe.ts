/** How fast bytes get from one host to another, asked by sending some: the same way, through the same TLS, as memory will. */
import { randomBytes } from 'node:crypto';
import { dial } from '../../rpc/data/dial.ts';
import { serve } from '../../rpc/data/serve.ts';
import type { TlsIdentity } from '../../rpc/identity.ts';
import type { DataPlane } from '../data-plane/listener.ts';
import type { DataToken } from './ports.ts';

/** Kind of the data plane's streams that are thrown away. One question with a body. */
export const PROBE_STREAM = 'wire-probe';

const CHUNK = randomBytes(1024 * 1024);
const CHUNKS = 4;
const TIMEOUT_MS = 5000;

export function serveProbes(plane: DataPlane): void {
  plane.handle(PROBE_STREAM, ({ channel }) =>
    serve(channel, async (_, body) => {
      for await (const _ of body); // the wire alone is measured
      return {};
    }),
  );
}

/** @returns bytes per millisecond. @throws AppError `unavailable` if the other host cannot be reached */
export async function probeWire(to: DataToken, identity: TlsIdentity): Promise<number> {
  const channel = await dial({ ...to, identity, kind: PROBE_STREAM, timeoutMs: TIMEOUT_MS });
  try {
    await channel.ask({}, chunks(1)); // what TCP and Node need to come up to speed is no property of the wire
    const started = performance.now();
    await channel.ask({}, chunks(CHUNKS));
    return (CHUNKS * CHUNK.length) / (performance.now() - started);
  } finally {
    await channel.close();
  }
}

async function* chunks(count: number): AsyncGenerator<Buffer> {
  for (let index = 0; index < count; index += 1) yield CHUNK;
}
