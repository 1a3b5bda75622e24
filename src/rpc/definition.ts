/** Turns a protobuf-es service descriptor into the method table that grpc-js wants. */
import { type DescMethod, type DescService, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import type { MethodDefinition } from '@grpc/grpc-js';

type AnyMessage = MessageShape<DescMethod['input']>;

export function grpcMethod(method: DescMethod): MethodDefinition<AnyMessage, AnyMessage> {
  const encode = (schema: DescMethod['input']) => (message: AnyMessage) => Buffer.from(toBinary(schema, message));
  const decode = (schema: DescMethod['input']) => (bytes: Buffer) => fromBinary(schema, bytes);
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: method.methodKind === 'bidi_streaming' || method.methodKind === 'client_streaming',
    responseStream: method.methodKind === 'bidi_streaming' || method.methodKind === 'server_streaming',
    requestSerialize: encode(method.input),
    requestDeserialize: decode(method.input),
    responseSerialize: encode(method.output),
    responseDeserialize: decode(method.output),
  };
}

export function grpcMethods(service: DescService): Record<string, MethodDefinition<AnyMessage, AnyMessage>> {
  return Object.fromEntries(service.methods.map(method => [method.localName, grpcMethod(method)]));
}
