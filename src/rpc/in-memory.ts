/** A client wired to an implementation in the same process: tests and the simulator speak to agents without a socket. */
import { create, type DescMethod, type DescService, type MessageShape } from '@bufbuild/protobuf';
import type { CallContext, CallOptions, Client, Server } from './shapes.ts';

type AnyMessage = MessageShape<DescMethod['input']>;

/** Messages are built anew on both sides, as the wire would, so that nobody shares an object with the other side. */
export function connectInMemory<S extends DescService>(
  services: readonly S[],
  implementation: Server<S>,
  peer = 'berth://controller/test',
): Client<S> {
  const handlers = implementation as Readonly<Record<string, (request: unknown, context: CallContext) => unknown>>;
  const methods = services
    .flatMap(service => service.methods)
    .map(method => {
      const handler = handlers[method.localName]!;
      const context = (options?: CallOptions): CallContext => ({
        signal: options?.signal ?? new AbortController().signal,
        peer,
      });
      const unary = async (request: AnyMessage, options?: CallOptions) =>
        create(method.output, (await handler(create(method.input, request), context(options))) as AnyMessage);
      const serverStream = async function* (request: AnyMessage, options?: CallOptions) {
        const answers = handler(create(method.input, request), context(options)) as AsyncIterable<AnyMessage>;
        for await (const answer of answers) yield create(method.output, answer);
      };
      const bidi = async function* (requests: AsyncIterable<AnyMessage>, options?: CallOptions) {
        const inputs = (async function* () {
          for await (const request of requests) yield create(method.input, request);
        })();
        for await (const answer of handler(inputs, context(options)) as AsyncIterable<AnyMessage>) {
          yield create(method.output, answer);
        }
      };
      const called = { unary, server_streaming: serverStream, bidi_streaming: bidi, client_streaming: bidi }[
        method.methodKind
      ];
      return [method.localName, called];
    });
  return Object.fromEntries(methods) as Client<S>;
}
