/** What the handlers of the LXD API work with. */
import type { Clock } from '../../kit/clock.ts';
import type { Store } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import type { Agents } from '../agents.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Engine } from '../saga/engine.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { ClusterSecrets } from '../trust/secrets.ts';
import type { Bulk } from './bulk.ts';
import type { EventFeed } from './event-feed.ts';
import type { FileSessions } from './files/sessions.ts';
import type { Operations } from './operations-index.ts';
import type { StateCache } from './state-cache.ts';

export interface Lxd {
  /** This controller's name. */
  readonly controller: string;
  readonly store: Store;
  readonly view: View;
  readonly clock: Clock;
  readonly log: Log;
  readonly engine: Engine;
  readonly agents: Agents;
  readonly secrets: ClusterSecrets;
  /** `host:port` of the API, for tokens and for other servers. */
  readonly addresses: () => readonly string[];
  readonly operations: Operations;
  readonly feed: EventFeed;
  readonly sessions: Sessions;
  readonly bulk: Bulk;
  readonly files: FileSessions;
  readonly states: StateCache;
  readonly metrics: Metrics;
}
