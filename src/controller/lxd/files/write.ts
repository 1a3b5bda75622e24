/** `POST .../files`: writes a file, makes a folder or a link. */
import { AppError, fail } from '../../../domain/errors.ts';
import type { Attributes } from '../../../rpc/sftp/attributes.ts';
import { type SftpClient, SftpFailure } from '../../../rpc/sftp/client.ts';
import { OPEN } from '../../../rpc/sftp/packet.ts';
import { type ApiRequest, readText } from '../../http/request.ts';
import { type FileOrder, typeOf } from './headers.ts';

/** The kernel's PATH_MAX. */
const MAX_TARGET_BYTES = 4095;

export async function writeThing(client: SftpClient, path: string, order: FileOrder, request: ApiRequest) {
  if (order.type === 'directory') await makeFolder(client, path, order);
  else if (order.type === 'symlink') await makeLink(client, path, await readText(request, MAX_TARGET_BYTES), order);
  else await writeFile(client, path, order, request);
}

/** A file that this call made and could not fill is removed again. */
async function writeFile(client: SftpClient, path: string, order: FileOrder, request: ApiRequest): Promise<void> {
  const isNew = (await lstat(client, path)) === undefined;
  const how = OPEN.write | OPEN.create | (order.append ? OPEN.append : OPEN.truncate);
  const file = await client.open(path, how, order.mode ?? 0o644);
  try {
    await file.write(request.body as AsyncIterable<Buffer>);
    if (request.signal.aborted) throw request.signal.reason;
    const wanted = wantedOf(order, order.uid === undefined || order.gid === undefined ? await file.fstat() : {});
    if (Object.keys(wanted).length > 0) await file.fsetstat(wanted);
    await file.close();
  } catch (error) {
    await file.close().catch(() => {});
    if (isNew) await client.remove(path).catch(() => {});
    if (request.signal.aborted)
      throw new AppError('cancelled', 'The client hung up in the middle of the upload', error);
    throw error;
  }
}

/** One that is there already is left as it is. */
async function makeFolder(client: SftpClient, path: string, order: FileOrder): Promise<void> {
  const found = await client.stat(path).catch(unlessMissing);
  if (found !== undefined && typeOf(found) === 'directory') return;
  await client.mkdir(path, order.mode ?? 0o755);
  await client.setstat(path, wantedOf({ ...order, mode: order.mode ?? 0o755 }, { uid: 0, gid: 0 }));
}

/** One that points elsewhere is replaced. */
async function makeLink(client: SftpClient, path: string, target: string, order: FileOrder): Promise<void> {
  if (target === '' || target.includes('\0')) fail('invalid', 'The body of a symlink is the path it points to');
  const found = await lstat(client, path);
  if (found !== undefined && typeOf(found) === 'symlink') {
    if ((await client.readlink(path)).toString() === target) return;
    await client.remove(path);
  }
  await client.symlink(target, path);
  if (order.uid !== undefined || order.gid !== undefined)
    await client.setstat(path, wantedOf({ ...order, mode: undefined }, { uid: 0, gid: 0 }));
}

/** @param present fills in the half of the owner that is not said */
function wantedOf({ uid, gid, mode }: FileOrder, present: Attributes): Attributes {
  return {
    ...(uid === undefined && gid === undefined ? {} : { uid: uid ?? present.uid ?? 0, gid: gid ?? present.gid ?? 0 }),
    ...(mode === undefined ? {} : { mode }),
  };
}

const lstat = (client: SftpClient, path: string) => client.lstat(path).catch(unlessMissing);

function unlessMissing(error: unknown): undefined {
  if (error instanceof SftpFailure && error.errno === 'ENOENT') return undefined;
  throw error;
}
