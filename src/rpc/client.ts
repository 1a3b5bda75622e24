/** Calls protobuf services over gRPC with mutual TLS. One connection a client; it reconnects by itself. */
import { create, type DescMethod, type DescService, type MessageShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { grpcMethod } from './definition.ts';
import { fromServiceError } from './errors.ts';
import { type TlsIdentity, uriOf } from './identity.ts';
import { type CallOptions, type Client, DEFAULT_TIMEOUT_MS } from './shapes.ts';

type AnyMessage = MessageShape<DescMethod['input']>;

export interface ConnectOptions<S extends DescService> {
  /** `host:port`. */
  readonly address: string;
  readonly tls: TlsIdentity;
  /** The URI that the server's certificate must carry. */
  readonly expect: string;
  readonly services: readonly S[];
  /** Names the other side in error messages, e.g. `node n1`. */
  readonly who: string;
}

export interface Connection<S extends DescService> {
  readonly client: Client<S>;
  close(): void;
}

export function connectGrpc<S extends DescService>(options: ConnectOptions<S>): Connection<S> {
  const { ca, cert, key } = options.tls;
  const credentials = grpc.credentials.createSsl(Buffer.from(ca), Buffer.from(key), Buffer.from(cert), {
    checkServerIdentity: (_host, certificate) => {
      const uri = uriOf(certificate);
      return uri === options.expect ? undefined : new Error(`expected ${options.expect}, met ${uri ?? 'no name'}`);
    },
  });
  const channel = new grpc.Client(options.address, credentials, {
    // Names are checked by URI above; without this grpc-js offers the IP address as SNI, which TLS forbids.
    'grpc.ssl_target_name_override': 'berth',
    'grpc.default_authority': 'berth',
    'grpc.max_receive_message_length': 16 * 1024 * 1024,
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
    // A host that comes back is wanted back at once; the default backs off to two minutes.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
  });
  const methods = options.services
    .flatMap(service => service.methods)
    .map(method => [method.localName, caller(channel, method, options.who)]);
  return { client: Object.fromEntries(methods) as Client<S>, close: () => channel.close() };
}

function caller(channel: grpc.Client, method: DescMethod, who: string) {
  const { path, requestSerialize, responseDeserialize } = grpcMethod(method);
  const metadata = () => new grpc.Metadata();
  const deadline = (options: CallOptions | undefined, otherwise: number | undefined) => {
    const timeoutMs = options?.timeoutMs ?? otherwise;
    return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
  };

  switch (method.methodKind) {
    case 'unary':
      return (request: AnyMessage, options?: CallOptions) =>
        new Promise<AnyMessage>((resolve, reject) => {
          const call = channel.makeUnaryRequest(
            path,
            requestSerialize,
            responseDeserialize,
            create(method.input, request),
            metadata(),
            deadline(options, DEFAULT_TIMEOUT_MS),
            (error, answer) => {
              release();
              if (error) reject(fromServiceError(error, who));
              else resolve(answer as AnyMessage);
            },
          );
          const release = cancelOn(options?.signal, call);
        });
    case 'server_streaming':
      return async function* (request: AnyMessage, options?: CallOptions) {
        const message = create(method.input, request);
        const call = channel.makeServerStreamRequest(
          path,
          requestSerialize,
          responseDeserialize,
          message,
          metadata(),
          deadline(options, undefined),
        );
        yield* answers(call, who, options?.signal);
      };
    default:
      return async function* (requests: AsyncIterable<AnyMessage>, options?: CallOptions) {
        const call = channel.makeBidiStreamRequest(
          path,
          requestSerialize,
          responseDeserialize,
          metadata(),
          deadline(options, undefined),
        );
        void feed(call, method, requests);
        yield* answers(call, who, options?.signal);
      };
  }
}

async function* answers(call: grpc.ClientReadableStream<AnyMessage>, who: string, signal: AbortSignal | undefined) {
  const release = cancelOn(signal, call);
  try {
    for await (const answer of call) yield answer as AnyMessage;
  } catch (thrown) {
    throw fromServiceError(thrown, who);
  } finally {
    release();
    // The reader may have stopped early: then nobody else ends the call. A late error of it has no listener left.
    call.on('error', () => {});
    call.cancel();
  }
}

async function feed(
  call: grpc.ClientDuplexStream<AnyMessage, AnyMessage>,
  method: DescMethod,
  requests: AsyncIterable<AnyMessage>,
) {
  try {
    for await (const request of requests) {
      if (call.destroyed || call.writableEnded) return;
      if (!call.write(create(method.input, request)))
        await new Promise<void>(resolve => {
          call.once('drain', resolve);
          call.once('close', resolve);
        });
    }
    call.end();
  } catch {
    call.cancel();
  }
}

function cancelOn(signal: AbortSignal | undefined, call: { cancel(): void }): () => void {
  if (signal === undefined) return () => {};
  const cancel = () => call.cancel();
  if (signal.aborted) cancel();
  signal.addEventListener('abort', cancel, { once: true });
  return () => signal.removeEventListener('abort', cancel);
}
