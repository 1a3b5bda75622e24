/** What commands without a client wrote, kept for who asks later: `record-output`, read below `/1.0/instances/N/logs`. */
import { keyspace } from '../../store/keyspace.ts';
import type { LeaseId, Transaction } from '../../store/store.ts';
import type { View } from '../../store/view.ts';

/** Key `recordings/<project>/<instance>/<file>`; written by the controller that ran the command, under its lease. */
interface RecordingRecord {
  readonly base64: string;
}

const RECORDINGS = keyspace<RecordingRecord, readonly [project: string, instance: string, file: string]>('recordings');

/** A record must fit into one write of the store. More than this is cut off, and says so. */
const MAX_BYTES = 512 * 1024;
const CUT = Buffer.from('\n[cut off]\n');

export interface Recording {
  add(stream: 'stdout' | 'stderr', bytes: Uint8Array): void;
  /** LXD's `output`: stream number -> URL. */
  readonly urls: { readonly 1: string; readonly 2: string };
  /** One for each stream, for both together may be too large. */
  transactions(lease: LeaseId): readonly Transaction[];
}

export function openRecording(project: string, instance: string, id: string): Recording {
  const kept = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  const room = { stdout: MAX_BYTES, stderr: MAX_BYTES };
  const file = (stream: 'stdout' | 'stderr') => `exec_${id}.${stream}`;
  const url = (stream: 'stdout' | 'stderr') => `/1.0/instances/${instance}/logs/${file(stream)}`;
  return {
    urls: { 1: url('stdout'), 2: url('stderr') },
    add: (stream, bytes) => {
      if (room[stream] <= 0) return;
      kept[stream].push(bytes.subarray(0, room[stream]));
      room[stream] -= bytes.length;
      if (room[stream] <= 0) kept[stream].push(CUT);
    },
    transactions: lease =>
      (['stdout', 'stderr'] as const).map(stream => {
        const record = { base64: Buffer.concat(kept[stream]).toString('base64') };
        return { guards: [], writes: [RECORDINGS.put(RECORDINGS.key(project, instance, file(stream)), record, lease)] };
      }),
  };
}

export function findRecording(view: View, project: string, instance: string, file: string): Buffer | undefined {
  const found = view.get(RECORDINGS.key(project, instance, file));
  return found && Buffer.from(found.value.base64, 'base64');
}

export function listRecordings(view: View, project: string, instance: string): readonly string[] {
  return view.list(RECORDINGS, project, instance).map(({ key }) => RECORDINGS.parts(key)[2]);
}

export function removeRecording(project: string, instance: string, file: string): Transaction {
  return { guards: [], writes: [{ delete: RECORDINGS.key(project, instance, file) }] };
}
