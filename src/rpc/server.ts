/** Serves protobuf services over gRPC with mutual TLS; AppErrors reach the caller as they are. */
import { create, type DescMethod, type DescService, type MessageShape } from '@bufbuild/protobuf';
import type { ServerDuplexStream, ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import * as grpc from '@grpc/grpc-js';
import { AppError } from '../domain/errors.ts';
import { grpcMethods } from './definition.ts';
import { toServiceError } from './errors.ts';
import { type TlsIdentity, uriOf } from './identity.ts';
import type { CallContext, Server } from './shapes.ts';

type AnyMessage = MessageShape<DescMethod['input']>;
type AnyCall =
  | ServerUnaryCall<AnyMessage, AnyMessage>
  | ServerWritableStream<AnyMessage, AnyMessage>
  | ServerDuplexStream<AnyMessage, AnyMessage>;
type AnyHandler = (request: unknown, context: CallContext) => unknown;

export interface GrpcServer {
  /** The port really bound (for `host:0`). */
  readonly port: number;
  close(): Promise<void>;
}

export interface ServeOptions<S extends DescService> {
  /** `host:port`. */
  readonly address: string;
  readonly tls: TlsIdentity;
  readonly services: readonly S[];
  readonly implementation: Server<S>;
  /** May this caller call at all? Called with the URI of its certificate. */
  readonly allow: (peer: string | undefined) => boolean;
  /** Told of every failed call, for the log. */
  readonly onError?: (method: string, error: AppError) => void;
}

export async function serveGrpc<S extends DescService>(options: ServeOptions<S>): Promise<GrpcServer> {
  const server = new grpc.Server({
    'grpc.max_receive_message_length': 16 * 1024 * 1024,
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
    'grpc.keepalive_permit_without_calls': 1,
  });
  const implementation = options.implementation as Readonly<Record<string, AnyHandler>>;
  for (const service of options.services) {
    const handlers = service.methods.map(method => [
      method.localName,
      bind(method, implementation[method.localName]!, options),
    ]);
    server.addService(
      grpcMethods(service) as grpc.ServiceDefinition,
      Object.fromEntries(handlers) as Record<string, grpc.UntypedHandleCall>,
    );
  }
  const { ca, cert, key } = options.tls;
  const credentials = grpc.ServerCredentials.createSsl(
    Buffer.from(ca),
    [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }],
    true,
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(options.address, credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  return {
    port,
    close: () =>
      new Promise(resolve => {
        server.forceShutdown();
        resolve();
      }),
  };
}

function bind<S extends DescService>(method: DescMethod, handler: AnyHandler, options: ServeOptions<S>) {
  const report = (thrown: unknown) => options.onError?.(method.name, AppError.from(thrown));

  const contextOf = (call: AnyCall): CallContext => {
    const abort = new AbortController();
    (call as NodeJS.EventEmitter).on('cancelled', () => abort.abort(new AppError('cancelled', 'the caller went away')));
    const peer = uriOf(call.getAuthContext()?.sslPeerCertificate);
    if (!options.allow(peer))
      throw new AppError('forbidden', `${peer ?? 'a caller without a name'} may not call ${method.name}`);
    return { signal: abort.signal, peer };
  };

  if (method.methodKind === 'unary') {
    return async (call: ServerUnaryCall<AnyMessage, AnyMessage>, reply: sendUnaryData<AnyMessage>) => {
      try {
        const answer = await handler(call.request, contextOf(call));
        reply(null, create(method.output, answer as AnyMessage));
      } catch (thrown) {
        report(thrown);
        reply(toServiceError(thrown));
      }
    };
  }
  const streaming = method.methodKind === 'bidi_streaming';
  return async (call: ServerWritableStream<AnyMessage, AnyMessage> | ServerDuplexStream<AnyMessage, AnyMessage>) => {
    try {
      const context = contextOf(call);
      const input = streaming
        ? (call as ServerDuplexStream<AnyMessage, AnyMessage>)
        : (call as ServerWritableStream<AnyMessage, AnyMessage>).request;
      for await (const answer of handler(input, context) as AsyncIterable<AnyMessage>) {
        if (context.signal.aborted) return;
        if (!call.write(create(method.output, answer))) await drained(call, context.signal);
      }
      call.end();
    } catch (thrown) {
      report(thrown);
      call.emit('error', toServiceError(thrown));
    }
  };
}

function drained(call: NodeJS.EventEmitter, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      call.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    call.once('drain', done);
    signal.addEventListener('abort', done, { once: true });
  });
}
