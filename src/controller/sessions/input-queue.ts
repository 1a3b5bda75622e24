/** Messages on their way to a gRPC stream: pushed by sockets, pulled by the call. */

export interface InputQueue<T> extends AsyncIterable<T> {
  /** Resolves when there is room for more. Pushed after the end: dropped. */
  push(item: T, bytes?: number): Promise<void>;
  end(): void;
}

/** @param maxBytes what may wait in it before `push` makes its caller wait. */
export function inputQueue<T>(maxBytes: number): InputQueue<T> {
  const items: { readonly item: T; readonly bytes: number }[] = [];
  let waitingBytes = 0;
  let ended = false;
  let wake = Promise.withResolvers<void>();
  let room = Promise.withResolvers<void>();
  room.resolve();

  return {
    push: async (item, bytes = 0) => {
      if (ended) return;
      items.push({ item, bytes });
      waitingBytes += bytes;
      wake.resolve();
      if (waitingBytes > maxBytes) {
        room = Promise.withResolvers();
        await room.promise;
      }
    },
    end: () => {
      ended = true;
      wake.resolve();
      room.resolve();
    },
    [Symbol.asyncIterator]: async function* () {
      for (;;) {
        for (let next = items.shift(); next !== undefined; next = items.shift()) {
          waitingBytes -= next.bytes;
          if (waitingBytes <= maxBytes) room.resolve();
          yield next.item;
        }
        if (ended) return;
        wake = Promise.withResolvers();
        await wake.promise;
      }
    },
  };
}
