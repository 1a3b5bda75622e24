/** Between the port's plain data and etcd's messages: keys under the prefix, revisions, guards, writes. Pure. */
import type { ICompare, IKeyValue, IRangeRequest, IRequestOp } from 'etcd3';
import type { Entry, Guard, Write } from './store.ts';

export interface Codec {
  readonly prefix: string;
  key(key: string): Buffer;
  entry(kv: IKeyValue): Entry;
  /** Without the prefix. */
  plain(key: Buffer): string;
  /** All keys that start with `prefix`, or those of them after `lastKey`. */
  range(prefix: string, lastKey?: string): { readonly key: Buffer; readonly range_end: Buffer };
  compare(guard: Guard): ICompare;
  write(write: Write): IRequestOp;
  /** Reads a key's revisions only. */
  look(key: string): IRangeRequest;
}

export function codec(prefix: string): Codec {
  const encode = (key: string) => Buffer.from(prefix + key, 'latin1'); // keys are ASCII, see checkKey
  const plain = (key: Buffer) => key.toString('latin1').slice(prefix.length);
  return {
    prefix,
    key: encode,
    plain,
    entry: ({ key, value, create_revision, mod_revision }) => ({
      key: plain(key),
      value: value.toString('utf8'),
      createRevision: BigInt(create_revision),
      modRevision: BigInt(mod_revision),
    }),
    range: (start, lastKey) => ({
      key: lastKey === undefined ? encode(start) : Buffer.concat([encode(lastKey), Buffer.of(0)]),
      range_end: successor(encode(start)),
    }),
    compare: guard =>
      'exists' in guard
        ? {
            key: encode(guard.key),
            target: 'Create',
            result: guard.exists ? 'Greater' : 'Equal',
            create_revision: '0',
          }
        : { key: encode(guard.key), target: 'Mod', result: 'Equal', mod_revision: String(guard.modRevision) },
    write: write =>
      'put' in write
        ? { request_put: { key: encode(write.put), value: Buffer.from(write.value), lease: write.lease ?? '0' } }
        : { request_delete_range: { key: encode(write.delete) } },
    look: key => ({ key: encode(key), keys_only: true }),
  };
}

/** The first key after all that start with these bytes. They are ASCII, so the last can always be increased. */
function successor(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1]! += 1;
  return end;
}
