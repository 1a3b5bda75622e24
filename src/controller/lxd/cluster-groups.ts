/** `/1.0/cluster/groups`: names that members carry and that `?target=@GROUP` chooses among. A group is made by using it. */
import { fail } from '../../domain/errors.ts';
import { sync } from '../http/answer.ts';
import type { Route } from '../http/route.ts';
import { NODES } from '../spaces.ts';
import type { Lxd } from './context.ts';
import { list, urlOf } from './lists.ts';

export function clusterGroupRoutes(lxd: Lxd): readonly Route[] {
  const groups = () => {
    const members = new Map<string, string[]>([['default', []]]);
    for (const { value: node } of lxd.view.list(NODES))
      for (const group of node.groups) members.set(group, [...(members.get(group) ?? []), node.name]);
    return [...members].map(([name, nodes]) => ({ name, description: '', members: nodes }));
  };
  return [
    {
      method: 'GET',
      path: '/1.0/cluster/groups',
      access: 'trusted',
      handle: request =>
        list(
          request,
          groups(),
          ({ name }) => urlOf('cluster', 'groups', name),
          group => group,
        ),
    },
    {
      method: 'GET',
      path: '/1.0/cluster/groups/:name',
      access: 'trusted',
      handle: ({ params }) => {
        const group = groups().find(({ name }) => name === params.name);
        return group === undefined ? fail('not-found', `Cluster group not found: ${params.name}`) : sync(group, group);
      },
    },
  ];
}
