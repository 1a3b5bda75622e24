/** Binds the verbs on images to the wire. */
import { fail } from '../domain/errors.ts';
import type { Agent } from '../rpc/gen/berth/agent/v1/agent_pb.ts';
import type { Server } from '../rpc/shapes.ts';
import type { DataPlane } from './data-plane/listener.ts';
import type { Host } from './host.ts';
import type { Images } from './images.ts';

const TOKEN_TTL_MS = 60_000;

export const noImages: Images = {
  unpack: async fingerprint => fail('not-found', `this host does not have image ${fingerprint}`),
  render: async () => {},
};

export function imageService(host: Host, dataPlane: DataPlane) {
  return {
    issueDataToken: async ({ kind, params }) => ({
      token: dataPlane.issueToken(kind, params, TOKEN_TTL_MS),
      address: host.config.dataListen,
    }),
    finishUpload: async () => fail('unsupported', 'not yet'),
    ensureImage: async function* () {
      fail('unsupported', 'not yet');
    },
    ensureNoImage: async () => fail('unsupported', 'not yet'),
  } satisfies Partial<Server<typeof Agent>>;
}
