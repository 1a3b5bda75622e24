/** How far an image may expand. An archive of a few kilobytes can unpack to a full disk, so growth ends here. */
import { fail } from '../../domain/errors.ts';

export interface ImageLimits {
  readonly unpackedBytes: number;
  /** Unpacked to packed; small images may grow to `alwaysBytes` whatever their ratio. */
  readonly ratio: number;
  readonly alwaysBytes: number;
  readonly entries: number;
}

const GIB = 1024 ** 3;
/** xz packs system images 4 to 6 times; a root of many zeroes may reach 50. */
export const DEFAULT_LIMITS: ImageLimits = {
  unpackedBytes: 100 * GIB,
  ratio: 100,
  alwaysBytes: GIB,
  entries: 2_000_000,
};

/** A counter that throws `invalid` at the first byte too many. */
export function createExpansionGuard(limits: ImageLimits, packedBytes: number): (bytes: number) => void {
  const allowed = Math.min(limits.unpackedBytes, Math.max(limits.alwaysBytes, packedBytes * limits.ratio));
  let sum = 0;
  return bytes => {
    sum += bytes;
    if (sum <= allowed) return;
    fail(
      'invalid',
      `The image unpacks to more than ${allowed} bytes from ${packedBytes}: this is more than an image may expand`,
    );
  };
}

/** Passes a stream on up to the limit. */
export async function* guarded(stream: AsyncIterable<Buffer>, guard: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of stream) {
    guard(chunk.length);
    yield chunk;
  }
}
