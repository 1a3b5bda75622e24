/**
 * SFTP sessions on the files of instances: opened when first needed and kept a little, for clients come with one request a
 * file. A session is of one instance on one node; when it starts, stops or moves, its host ends the session.
 */
import type { Duplex } from 'node:stream';
import type { InstanceRecord } from '../../../domain/instance.ts';
import type { Clock } from '../../../kit/clock.ts';
import { openSftp, type SftpClient } from '../../../rpc/sftp/client.ts';
import type { Agents } from '../../agents.ts';
import { refOf } from '../../instances/expanded.ts';
import type { Bulk } from '../bulk.ts';

/** From the last request until the session is closed. */
const IDLE_MS = 3_000;

export interface FileSession {
  readonly client: SftpClient;
  /** To be called once, when the work is done. */
  release(): void;
}

export interface FileSessions {
  /** @throws AppError `unavailable`, or why the host does not open them */
  take(record: InstanceRecord): Promise<FileSession>;
  /** A session for one client alone, as bytes. */
  raw(record: InstanceRecord): Promise<Duplex>;
  close(): void;
}

interface Kept {
  readonly client: Promise<SftpClient>;
  users: number;
  idle: AbortController;
}

export function openFileSessions({ agents, bulk, clock }: { agents: Agents; bulk: Bulk; clock: Clock }): FileSessions {
  const kept = new Map<string, Kept>();
  const raw = ({ node, ...record }: InstanceRecord) =>
    bulk.files(node, agents.of(node), refOf(record, record.generation));

  const open = (key: string, record: InstanceRecord): Kept => {
    const entry: Kept = { client: raw(record).then(openSftp), users: 0, idle: new AbortController() };
    kept.set(key, entry);
    const forget = () => {
      if (kept.get(key) === entry) kept.delete(key);
    };
    entry.client.then(client => client.closed.then(forget), forget);
    return entry;
  };
  const release = (entry: Kept) => {
    entry.users -= 1;
    if (entry.users > 0) return;
    entry.idle = new AbortController();
    clock.sleep(IDLE_MS, entry.idle.signal).then(
      async () => (await entry.client).close(),
      () => {}, // it is needed again
    );
  };

  return {
    raw,
    async take(record) {
      const key = [record.id, record.generation, record.node].join('/');
      const entry = kept.get(key) ?? open(key, record);
      entry.idle.abort();
      entry.users += 1;
      let released = false;
      try {
        const client = await entry.client;
        return {
          client,
          release: () => {
            if (!released) release(entry);
            released = true;
          },
        };
      } catch (error) {
        entry.users -= 1;
        throw error;
      }
    },
    close() {
      for (const { client, idle } of kept.values()) {
        idle.abort();
        client.then(
          session => session.close(),
          () => {},
        );
      }
    },
  };
}
