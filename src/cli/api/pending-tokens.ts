import { AppError } from '../../domain/errors.ts';
import type { Client } from './client.ts';
import type { Operation } from './operation.ts';
import { at } from './path.ts';

/** Tokens that nobody has used yet are operations that run. */
const RUNNING = 103;

export async function pendingTokens(client: Client): Promise<readonly Operation[]> {
  const byStatus = await client.get<Readonly<Record<string, readonly Operation[]>>>(at`operations`, {
    recursion: 1,
    project: 'default',
  });
  return Object.values(byStatus)
    .flat()
    .filter(operation => operation.class === 'token' && operation.status_code === RUNNING);
}

export async function deleteToken(client: Client, name: string, isIt: (token: Operation) => boolean): Promise<void> {
  const token = (await pendingTokens(client)).find(isIt);
  if (token === undefined) throw new AppError('not-found', `No token waits under the name ${name}`);
  await client.send('DELETE', at`operations/${token.id}`);
}
