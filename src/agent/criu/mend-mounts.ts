/**
 * Works round a limit of CRIU (4.2 and before): mounts that are slaves of one group and no peers, but show different
 * folders, cannot be restored ("Can't copy sharing from ..."). systemd makes one for every service that has mounts of its
 * own, so that two such services were enough. In the images each is made the only peer of a group of its own: what is
 * mounted in the master still reaches it, and nobody else ever joins that group. Pure.
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { entriesOf, withEntries } from './image-entries.ts';

/** Of a message `mnt_entry`. */
const FIELDS = { mountId: 2, sharedId: 10, masterId: 11 } as const;
/** Ids of groups are small, and no two mounts have the same id. */
const FIRST_FREE_GROUP = 1_000_000_000;

/** @param images of all mount namespaces of one dump @returns the same in that order; an image without change as it was */
export function mendMounts(images: readonly Buffer[]): readonly Buffer[] {
  const groups = new Set(images.flatMap(image => entriesOf(image).map(entry => mountOf(entry).sharedId)));
  const mended = (entry: Buffer): Buffer => {
    const { mountId, sharedId, masterId } = mountOf(entry);
    if (sharedId !== 0 || masterId === 0 || !groups.has(masterId)) return entry;
    const group = new BinaryWriter().tag(FIELDS.sharedId, WireType.Varint).uint32(FIRST_FREE_GROUP + mountId);
    return Buffer.concat([entry, group.finish()]); // of a field that is there twice the last counts
  };
  return images.map(image => withEntries(image, mended));
}

/** 0 stands for no group. */
function mountOf(entry: Buffer): Record<keyof typeof FIELDS, number> {
  const mount = { mountId: 0, sharedId: 0, masterId: 0 };
  const reader = new BinaryReader(entry);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    const name = (Object.keys(FIELDS) as (keyof typeof FIELDS)[]).find(each => FIELDS[each] === field);
    if (name === undefined) reader.skip(type, field);
    else mount[name] = reader.uint32();
  }
  return mount;
}
