/** Bulk bytes between the API and an agent's data plane: the only way on which images pass through the controller. */

import type { Duplex } from 'node:stream';
import type { AgentClient } from '../../rpc/agent-services.ts';
import { dial } from '../../rpc/data/dial.ts';
import type { TlsIdentity } from '../../rpc/identity.ts';

export interface Bulk {
  /** Sends one part of an upload to the node; resolves when the node has all of it. */
  upload(node: string, agent: AgentClient, part: UploadPart, body: AsyncIterable<Buffer>): Promise<void>;
  /** The bytes of a backup that the node keeps. */
  backup(node: string, agent: AgentClient, backup: string): AsyncIterable<Buffer>;
  /** The bytes of one part of an image that the node keeps. */
  download(node: string, agent: AgentClient, part: ImagePart): AsyncIterable<Buffer>;
  /** An SFTP session on the files of an instance there, as plain bytes. */
  files(node: string, agent: AgentClient, ref: InstanceVersion): Promise<Duplex>;
}

export interface InstanceVersion {
  readonly id: string;
  readonly generation: bigint;
}

export interface UploadPart {
  /** Names the upload: its parts belong together. */
  readonly upload: string;
  readonly part: 'meta' | 'rootfs';
}

export interface ImagePart {
  readonly fingerprint: string;
  readonly part: 'meta' | 'rootfs';
}

export function openBulk(identity: TlsIdentity): Bulk {
  const open = async (node: string, agent: AgentClient, kind: string, params: Readonly<Record<string, string>>) => {
    const { token, address } = await agent.issueDataToken({ kind, params });
    return dial({ address, identity, kind, token, node });
  };
  return {
    upload: async (node, agent, part, body) => {
      const channel = await open(node, agent, 'image-upload', { ...part });
      try {
        const answer = await channel.ask({}, body);
        for await (const _ of answer.body);
      } finally {
        await channel.close();
      }
    },
    backup: async function* (node, agent, backup) {
      const channel = await open(node, agent, 'backup-download', { backup });
      try {
        yield* (await channel.ask({})).body;
      } finally {
        await channel.close();
      }
    },
    files: async (node, agent, ref) => {
      const { token, address } = await agent.openFiles(ref);
      const channel = await dial({ address, identity, kind: 'instance-files', token, node });
      const { body } = await channel.ask({});
      for await (const _ of body); // so that nothing of it is left before plain bytes
      return channel.detach();
    },
    download: async function* (node, agent, part) {
      const channel = await open(node, agent, 'image-download', { ...part });
      try {
        yield* (await channel.ask({})).body;
      } finally {
        await channel.close();
      }
    },
  };
}
