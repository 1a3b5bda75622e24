/** How CRIU's images are made: two magic numbers, then messages, each after its length (32 bits, little endian). Pure. */

const HEAD_BYTES = 8;

export function entriesOf(image: Buffer): readonly Buffer[] {
  const entries: Buffer[] = [];
  for (let at = HEAD_BYTES; at < image.length; ) {
    const end = at + 4 + image.readUInt32LE(at);
    entries.push(image.subarray(at + 4, end));
    at = end;
  }
  return entries;
}

/** @param mended gives back what it does not change @returns the image itself when nothing was changed */
export function withEntries(image: Buffer, mended: (entry: Buffer) => Buffer): Buffer {
  const before = entriesOf(image);
  const after = before.map(mended);
  if (after.every((entry, index) => entry === before[index])) return image;
  return Buffer.concat([image.subarray(0, HEAD_BYTES), ...after.flatMap(entry => [lengthOf(entry), entry])]);
}

function lengthOf(entry: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(entry.length);
  return length;
}
