/**
 * One agent a data folder. The lock is an abstract socket: the kernel releases it with the process, however that ends, and
 * no file is left to be believed by mistake.
 */
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { AppError } from '../domain/errors.ts';

/** Held until `release` or the end of the process. @throws AppError `busy` */
export function lockDataFolder(folder: string): Promise<{ release(): void }> {
  return new Promise((done, reject) => {
    const server = createServer(socket => socket.destroy());
    server.once('error', cause => reject(new AppError('busy', `another agent runs on ${folder}`, cause)));
    server.listen(`\0berth-agent:${resolve(folder)}`, () => done({ release: () => server.close() }));
  });
}
