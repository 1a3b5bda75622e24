/** `/1.0/warnings`: none are kept yet; what is wrong with a host is told by its member and by `doctor`. */
import { fail } from '../../domain/errors.ts';
import { sync } from '../http/answer.ts';
import type { Route } from '../http/route.ts';

export const WARNING_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/1.0/warnings', access: 'admin', handle: () => sync([]) },
  {
    method: 'GET',
    path: '/1.0/warnings/:id',
    access: 'admin',
    handle: ({ params }) => fail('not-found', `Warning not found: ${params.id}`),
  },
];
