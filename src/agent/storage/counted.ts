/** Passes a stream on and counts its bytes. */
export async function* counted(body: AsyncIterable<Buffer>, count: { bytes: number }): AsyncGenerator<Buffer> {
  for await (const chunk of body) {
    count.bytes += chunk.length;
    yield chunk;
  }
}
