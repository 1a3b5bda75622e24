/** `/1.0/resources`: what a member's hardware has. Only what agents tell; the other parts of LXD's object are empty. */
import { sync } from '../http/answer.ts';
import type { Route } from '../http/route.ts';
import { NODE_STATUS, NODES } from '../spaces.ts';
import type { Lxd } from './context.ts';
import { findMember } from './member.ts';

export function resourceRoutes(lxd: Lxd): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/1.0/resources',
      access: 'trusted',
      handle: ({ query }) => {
        const target = query.target;
        const name = target ? findMember(lxd.view, target).value.name : lxd.view.list(NODES)[0]?.value.name;
        return sync(resourcesOf(lxd, name));
      },
    },
  ];
}

function resourcesOf(lxd: Lxd, name: string | undefined) {
  const status = name === undefined ? undefined : lxd.view.get(NODE_STATUS.key(name))?.value;
  const host = status?.host;
  const cpus = host?.cpus ?? 0;
  const threads = Array.from({ length: cpus }, (_, id) => ({
    id,
    thread: 0,
    online: true,
    isolated: false,
    numa_node: 0,
  }));
  const cores = threads.map((thread, core) => ({ core, die: 0, threads: [thread], frequency: 0 }));
  return {
    cpu: {
      architecture: host?.architecture ?? '',
      sockets: host === undefined ? [] : [{ name: host.cpuModel, vendor: '', socket: 0, cores, cache: [] }],
      total: cpus,
    },
    memory: {
      nodes: [],
      hugepages_total: 0,
      hugepages_used: 0,
      hugepages_size: 0,
      used: status?.memoryUsedBytes ?? 0,
      total: host?.memoryBytes ?? 0,
    },
    gpu: { cards: [], total: 0 },
    network: { cards: [], total: 0 },
    storage: { disks: [], total: 0 },
    usb: { devices: [], total: 0 },
    pci: { devices: [], total: 0 },
    system: {
      uuid: '',
      vendor: '',
      product: '',
      family: '',
      version: '',
      sku: '',
      serial: '',
      type: 'unknown',
      firmware: null,
      chassis: null,
      motherboard: null,
    },
  };
}
