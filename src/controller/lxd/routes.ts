/** The table of LXD's API, noun by noun; what is missing of it gets its file and its line here. */
import type { Api } from '../http/route.ts';
import { certificateRoutes } from './certificates.ts';
import { clusterRoutes } from './cluster.ts';
import { clusterGroupRoutes } from './cluster-groups.ts';
import type { Lxd } from './context.ts';
import { lxdRender } from './envelope.ts';
import { eventRoutes } from './events.ts';
import { imageAliasRoutes } from './images/aliases.ts';
import { imageRoutes } from './images/routes.ts';
import { streamRoutes } from './images/streams.ts';
import { instanceRoutes } from './instances.ts';
import { networkForwardRoutes } from './networks/forwards.ts';
import { networkLeaseRoutes } from './networks/leases.ts';
import { networkRoutes } from './networks/routes.ts';
import { operationRoutes } from './operations.ts';
import { profileRoutes } from './profiles.ts';
import { inProjects, withinProjects } from './project.ts';
import { projectRoutes } from './projects/routes.ts';
import { resourceRoutes } from './resources.ts';
import { serverRoutes } from './server.ts';
import { storagePoolRoutes } from './storage-pools.ts';
import { volumeRoutes } from './volumes/routes.ts';
import { warningRoutes } from './warnings.ts';

export function lxdApi(lxd: Lxd): Api {
  return {
    prefix: '/1.0',
    render: lxdRender,
    routes: inProjects(lxd.view, [
      ...serverRoutes(lxd),
      ...certificateRoutes(lxd),
      ...eventRoutes(lxd),
      ...operationRoutes(lxd),
      ...withinProjects([
        ...instanceRoutes(lxd),
        ...imageRoutes(lxd),
        ...imageAliasRoutes(lxd),
        ...profileRoutes(lxd),
        ...volumeRoutes(lxd),
      ]),
      ...networkRoutes(lxd),
      ...networkLeaseRoutes(lxd),
      ...networkForwardRoutes(lxd),
      ...storagePoolRoutes(lxd),
      ...clusterRoutes(lxd),
      ...clusterGroupRoutes(lxd),
      ...streamRoutes(lxd),
      ...resourceRoutes(lxd),
      ...projectRoutes(lxd),
      ...warningRoutes(lxd),
    ]),
  };
}
