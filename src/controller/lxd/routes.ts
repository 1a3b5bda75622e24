/** The table of LXD's API, noun by noun; what is missing of it gets its file and its line here. */
import type { Api } from '../http/route.ts';
import { certificateRoutes } from './certificates.ts';
import type { Lxd } from './context.ts';
import { lxdRender } from './envelope.ts';
import { eventRoutes } from './events.ts';
import { operationRoutes } from './operations.ts';
import { profileRoutes } from './profiles.ts';
import { PROJECT_ROUTES } from './projects.ts';
import { serverRoutes } from './server.ts';
import { WARNING_ROUTES } from './warnings.ts';

export function lxdApi(lxd: Lxd): Api {
  return {
    prefix: '/1.0',
    render: lxdRender,
    routes: [
      ...serverRoutes(lxd),
      ...certificateRoutes(lxd),
      ...eventRoutes(lxd),
      ...operationRoutes(lxd),
      ...profileRoutes(lxd),
      ...PROJECT_ROUTES,
      ...WARNING_ROUTES,
    ],
  };
}
