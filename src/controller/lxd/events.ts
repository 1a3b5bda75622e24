/** `/1.0/events`: the websocket by which clients learn that their operations ended. */
import { AppError, fail } from '../../domain/errors.ts';
import type { ApiRequest } from '../http/request.ts';
import { isTrue } from '../http/request.ts';
import type { Route } from '../http/route.ts';
import type { Lxd } from './context.ts';
import { EVENT_TYPES, type EventType, type Listener } from './event-feed.ts';
import { projectsOf } from './project.ts';

/** A listener that does not read is cut off rather than let the memory grow. */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;

export function eventRoutes(lxd: Lxd): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/1.0/events',
      access: 'trusted',
      handle: async request => {
        const wants = wanted(lxd, request);
        // Listening begins before the client hears that it is connected: what it does next is told to it.
        const early: string[] = [];
        let send = (text: string) => void early.push(text);
        const stop = lxd.feed.subscribe((event, audience) => {
          if (wants(event, audience)) send(JSON.stringify(event));
        });
        try {
          const websocket = await request.upgrade();
          websocket.once('close', stop);
          send = text => {
            if (websocket.bufferedAmount > MAX_UNREAD_BYTES) websocket.terminate();
            else websocket.send(text);
          };
          for (const text of early) send(text);
          websocket.resume(); // nothing is expected but pongs and the close
          if (websocket.readyState !== websocket.OPEN) stop();
        } catch (error) {
          stop();
          throw AppError.from(error);
        }
        return { kind: 'upgraded' };
      },
    },
  ];
}

/** Everything that the caller may hear, unless types are named. */
function wanted(lxd: Lxd, request: ApiRequest): (...told: Parameters<Listener>) => boolean {
  const types = (request.query.type ?? '').split(',').filter(type => type !== '');
  for (const type of types)
    if (!EVENT_TYPES.includes(type as EventType))
      fail('invalid', `Invalid event type: "${type}" (${EVENT_TYPES.join(', ')})`);
  const isAdmin = request.caller.access === 'admin';
  if (types.includes('logging') && !isAdmin) fail('forbidden', 'not authorized: logging events are for administrators');
  const all = isTrue(request.query['all-projects']) && isAdmin;
  const projects = new Set(projectsOf(lxd.view, request));
  return (event, audience) =>
    (types.length === 0 || types.includes(event.type)) &&
    (audience === 'all' || isAdmin) &&
    (all || projects.has(event.project) || event.type === 'logging');
}
