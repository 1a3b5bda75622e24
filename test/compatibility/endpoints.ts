/** Every endpoint of LXD against the table of our routes, and every extension against what we announce. */
import type { Lxd } from '../../src/controller/lxd/context.ts';
import { API_EXTENSIONS } from '../../src/controller/lxd/extensions.ts';
import { lxdApi } from '../../src/controller/lxd/routes.ts';
import { makeSelfSigned } from '../../src/kit/certificates.ts';
import { readEndpoints, readExtensions } from './facts.ts';
import type { Finding } from './verdict.ts';

/** `GET /1.0/instances/{}`: what a segment is called is nobody's business. */
export async function ourRoutes(): Promise<ReadonlySet<string>> {
  // Building the table calls no handler: it needs the server's certificate, and nothing else of a server.
  const { routes } = lxdApi({ secrets: { server: await makeSelfSigned('routes') } } as Lxd);
  return new Set(routes.map(({ method, path }) => `${method} ${path.replace(/\/:[^/]+/g, '/{}')}`));
}

export async function findEndpoints(): Promise<readonly Finding[]> {
  const ours = await ourRoutes();
  return Object.entries(readEndpoints()).flatMap(([path, methods]) =>
    methods.map(method => ({
      name: `${method} ${path}`,
      there: ours.has(`${method} ${path.replace(/\{[^}]+\}/g, '{}')}`),
    })),
  );
}

/** Routes of ours that LXD has not. */
export async function ownEndpoints(): Promise<readonly string[]> {
  const theirs = new Set(
    Object.entries(readEndpoints()).flatMap(([path, methods]) =>
      methods.map(method => `${method} ${path.replace(/\{[^}]+\}/g, '{}')}`),
    ),
  );
  return [...(await ourRoutes())].filter(
    route => !theirs.has(route) && !/ \/1\.0\/(containers|virtual-machines)/.test(route),
  );
}

export function findExtensions(): readonly Finding[] {
  const ours: ReadonlySet<string> = new Set(API_EXTENSIONS);
  return readExtensions().map(name => ({ name, there: ours.has(name) }));
}

/** Announced by us and unknown to LXD 5.0.2: ours must say so by their name. */
export function unknownExtensions(): readonly string[] {
  const theirs = new Set(readExtensions());
  return API_EXTENSIONS.filter(name => !theirs.has(name) && !name.startsWith('berth_'));
}
