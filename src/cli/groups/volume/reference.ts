/** How volumes are named on the command line: `[TYPE/]NAME`, custom unless said otherwise, or `NAME/SNAPSHOT`. */
import { at } from '../../api/path.ts';

const TYPES = ['custom', 'container', 'virtual-machine', 'image'];

export interface VolumePath {
  readonly name: string;
  readonly snapshot: string | undefined;
  /** Of the volume, without the snapshot. */
  readonly volume: string;
  /** Of what is named. */
  readonly whole: string;
}

export function volumePath(pool: string, text: string): VolumePath {
  const parts = text.split('/');
  const type = parts.length > 1 && TYPES.includes(parts[0]!) ? parts.shift()! : 'custom';
  const [name = '', snapshot] = parts;
  const volume = at`storage-pools/${pool}/volumes/${type}/${name}`;
  const whole = snapshot === undefined ? volume : `${volume}${at`/snapshots/${snapshot}`.replace('/1.0/', '')}`;
  return { name, snapshot, volume, whole };
}
