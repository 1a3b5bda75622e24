/** Who asked, as operations remember it. */
import type { Requestor } from '../commands/commander.ts';
import type { ApiRequest } from '../http/request.ts';

export function requestorOf({ caller }: ApiRequest): Requestor {
  return { username: caller.username, protocol: caller.protocol, address: caller.address };
}
