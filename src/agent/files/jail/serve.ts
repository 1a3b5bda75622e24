/** One SFTP session: requests are answered one after the other, so that what a client sends in order is done in order. */
import type { Readable, Writable } from 'node:stream';
import { KIND, PacketReader, packet, packetsOf, SFTP_VERSION, STATUS, string, u32 } from '../../../rpc/sftp/packet.ts';
import { EXTENSIONS, type Handler, type Reply } from './requests.ts';

/** Returns when the client is gone. @throws AppError `invalid` for what is no SFTP */
export async function serveSftp(
  input: Readable,
  output: Writable,
  handlers: Readonly<Record<number, Handler>>,
): Promise<void> {
  for await (const bytes of packetsOf(input)) {
    const answer = answerTo(new PacketReader(bytes), handlers);
    if (!output.write(answer)) await new Promise(resolve => output.once('drain', resolve));
  }
}

export function answerTo(reader: PacketReader, handlers: Readonly<Record<number, Handler>>): Buffer {
  const kind = reader.byte();
  const id = reader.u32(); // of `init` its version
  if (kind === KIND.init) return packet(KIND.version, u32(SFTP_VERSION), ...EXTENSIONS);
  const handler = handlers[kind];
  if (handler === undefined) return status(id, STATUS.unsupported, 'EOPNOTSUPP: there is no such request');
  try {
    return render(id, handler(reader));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return status(id, statusOf(code), message.split(', ')[0]!);
  }
}

function render(id: number, reply: Reply): Buffer {
  if (reply === undefined) return status(id, STATUS.ok, '');
  if (reply === 'eof') return status(id, STATUS.eof, 'end of file');
  return packet(reply.kind, u32(id), ...reply.fields);
}

const status = (id: number, code: number, text: string): Buffer =>
  packet(KIND.status, u32(id), u32(code), string(text), string(''));

function statusOf(code: string | undefined): number {
  if (code === 'ENOENT') return STATUS.noSuchFile;
  if (code === 'EACCES' || code === 'EPERM') return STATUS.denied;
  if (code === 'EOPNOTSUPP') return STATUS.unsupported;
  return code === 'invalid' ? STATUS.badMessage : STATUS.failure;
}
