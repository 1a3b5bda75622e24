/**
 * `/1.0/networks/N/leases`: who has which address. Nobody has to be asked: addresses are given by the cluster and stay with
 * the instance wherever it runs, so the records are the leases.
 */
import { fail } from '../../../domain/errors.ts';
import { sync } from '../../http/answer.ts';
import type { Route } from '../../http/route.ts';
import { expanded } from '../../instances/expanded.ts';
import { ADDRESSES, INSTANCES, NETWORKS } from '../../spaces.ts';
import type { Lxd } from '../context.ts';
import { projectOf } from '../project.ts';

interface Lease {
  readonly hostname: string;
  readonly hwaddr: string;
  readonly address: string;
  /** `static`: the user chose it. */
  readonly type: 'static' | 'dynamic';
  /** The member where the instance is. */
  readonly location: string;
}

export function networkLeaseRoutes(lxd: Lxd): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/1.0/networks/:name/leases',
      access: 'trusted',
      handle: request => {
        const name = request.params.name!;
        if (lxd.view.get(NETWORKS.key(name)) === undefined) fail('not-found', `Network not found: ${name}`);
        return sync(leasesOf(lxd, name, projectOf(request)));
      },
    },
  ];
}

/** Of the instances of one project, by host name and address. */
function leasesOf({ view }: Lxd, network: string, project: string): readonly Lease[] {
  const instances = new Map(view.list(INSTANCES, project).map(({ value }) => [value.id, value]));
  const leases = view.list(ADDRESSES, network).flatMap(({ value: { address, instance, device } }) => {
    const owner = instances.get(instance);
    if (owner === undefined) return [];
    const options = expanded(view, owner).devices[device];
    const family = address.includes(':') ? 'ipv6.address' : 'ipv4.address';
    const type = options?.[family] ? ('static' as const) : ('dynamic' as const);
    const hwaddr = owner.config[`volatile.${device}.hwaddr`] ?? '';
    return [{ hostname: owner.name, hwaddr, address, type, location: owner.node }];
  });
  const sortKey = ({ hostname, address }: Lease) => `${hostname} ${address}`;
  return leases.toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}
