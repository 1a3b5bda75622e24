/** `/1.0/projects`: only `default`, until projects come; clients ask for the list when they add a remote. */
import { fail } from '../../domain/errors.ts';
import { sync } from '../http/answer.ts';
import type { Route } from '../http/route.ts';
import { list, urlOf } from './lists.ts';
import { DEFAULT_PROJECT } from './project.ts';

const PROJECT = {
  name: DEFAULT_PROJECT,
  description: 'Default project',
  config: {
    'features.images': 'true',
    'features.networks': 'true',
    'features.profiles': 'true',
    'features.storage.volumes': 'true',
  },
  used_by: ['/1.0/profiles/default'],
};

export const PROJECT_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/1.0/projects',
    access: 'trusted',
    handle: request =>
      list(
        request,
        [PROJECT],
        ({ name }) => urlOf('projects', name),
        project => project,
      ),
  },
  {
    method: 'GET',
    path: '/1.0/projects/:name',
    access: 'trusted',
    handle: ({ params }) =>
      params.name === DEFAULT_PROJECT ? sync(PROJECT, PROJECT) : fail('not-found', `Project not found: ${params.name}`),
  },
];
