/**
 * The TypeScript shape of a protobuf service, seen by its server and by its clients. Both are derived from the generated
 * descriptor, so that a changed proto file fails to compile wherever it matters.
 */
import type { DescMethod, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf';

/** What a served call knows about its caller. */
export interface CallContext {
  /** Aborts when the caller went away or its deadline passed. */
  readonly signal: AbortSignal;
  /** URI of the caller's certificate, e.g. `berth://controller/c1`; undefined on a connection without one. */
  readonly peer: string | undefined;
}

/** What a caller may ask of one call. */
export interface CallOptions {
  /** Ends the call with `cancelled`. */
  readonly signal?: AbortSignal;
  /** Ends the call with `deadline`. Without it unary calls end after `DEFAULT_TIMEOUT_MS`, streams never. */
  readonly timeoutMs?: number;
}

export const DEFAULT_TIMEOUT_MS = 30_000;

type Served<M extends DescMethod> = M extends { methodKind: 'unary' }
  ? (request: MessageShape<M['input']>, context: CallContext) => Promise<MessageInitShape<M['output']>>
  : M extends { methodKind: 'server_streaming' }
    ? (request: MessageShape<M['input']>, context: CallContext) => AsyncIterable<MessageInitShape<M['output']>>
    : (
        requests: AsyncIterable<MessageShape<M['input']>>,
        context: CallContext,
      ) => AsyncIterable<MessageInitShape<M['output']>>;

type Called<M extends DescMethod> = M extends { methodKind: 'unary' }
  ? (request: MessageInitShape<M['input']>, options?: CallOptions) => Promise<MessageShape<M['output']>>
  : M extends { methodKind: 'server_streaming' }
    ? (request: MessageInitShape<M['input']>, options?: CallOptions) => AsyncIterable<MessageShape<M['output']>>
    : (
        requests: AsyncIterable<MessageInitShape<M['input']>>,
        options?: CallOptions,
      ) => AsyncIterable<MessageShape<M['output']>>;

/** An implementation of every method of service `S`; of all of them, if `S` is a union of services. */
export type Server<S extends DescService> = All<
  S extends DescService ? { readonly [K in keyof S['method']]: Served<S['method'][K]> } : never
>;

/** A caller of every method of service `S`; of all of them, if `S` is a union of services. */
export type Client<S extends DescService> = All<
  S extends DescService ? { readonly [K in keyof S['method']]: Called<S['method'][K]> } : never
>;

/** The intersection of the members of a union. */
type All<U> = (U extends unknown ? (each: U) => void : never) extends (each: infer I) => void ? I : never;
