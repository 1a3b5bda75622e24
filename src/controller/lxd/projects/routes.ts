/** `/1.0/projects`: list, make, edit, rename, delete. A caller that is restricted sees its own. */
import { z } from 'zod';
import { AppError, fail } from '../../../domain/errors.ts';
import { checkName } from '../../../domain/names.ts';
import { changedFeature, homeIn, type ProjectRecord, withFeatures } from '../../../domain/project.ts';
import { checkProjectConfig } from '../../../domain/project-keys.ts';
import { mustBeWithinLimits, projectUsage } from '../../../domain/project-limits.ts';
import { mustKeepRestrictions } from '../../../domain/project-restrictions.ts';
import { together } from '../../../store/keyspace.ts';
import { commit } from '../../commit.ts';
import { type Answer, created, DONE, started, sync } from '../../http/answer.ts';
import { type ApiRequest, matchEtag, readBody } from '../../http/request.ts';
import type { Route } from '../../http/route.ts';
import { countedIn, unclaimed } from '../../projects/claim.ts';
import { contentsOf, usedBy } from '../../projects/contents.ts';
import { allProjects, getProject } from '../../projects/project-store.ts';
import { renameProject } from '../../sagas/rename-project.ts';
import { PROFILES, PROJECTS } from '../../spaces.ts';
import type { Lxd } from '../context.ts';
import { type ConfigChange, configField, patched, textField, withoutEmpty } from '../fields.ts';
import { list, urlOf } from '../lists.ts';
import { sagaOperation } from '../operation.ts';
import { mayEnter } from '../project.ts';
import { requestorOf } from '../requestor.ts';

export function projectRoutes(lxd: Lxd): readonly Route[] {
  const shown = (project: ProjectRecord) => ({ ...project, used_by: usedBy(lxd.view, project) });
  const path = '/1.0/projects/:name';
  return [
    {
      method: 'GET',
      path: '/1.0/projects',
      access: 'trusted',
      handle: request => {
        const projects = allProjects(lxd.view).filter(({ name }) => mayEnter(request.caller, name));
        return list(request, projects, ({ name }) => urlOf('projects', name), shown);
      },
    },
    { method: 'POST', path: '/1.0/projects', access: 'admin', handle: request => create(lxd, request) },
    {
      method: 'GET',
      path,
      access: 'trusted',
      handle: request => {
        const project = find(lxd, request);
        return sync(shown(project), writable(project));
      },
    },
    {
      method: 'PUT',
      path,
      access: 'admin',
      handle: request => change(lxd, request, (_old, sent) => withoutEmpty(sent)),
    },
    { method: 'PATCH', path, access: 'admin', handle: request => change(lxd, request, patched) },
    { method: 'POST', path, access: 'admin', handle: request => rename(lxd, request) },
    {
      method: 'GET',
      path: `${path}/state`,
      access: 'trusted',
      handle: request => {
        const project = find(lxd, request);
        const usage = Object.entries(projectUsage(project, countedIn(lxd.view, project.name)));
        const resources = usage.map(([key, { limit, usage }]) => [
          key.slice('limits.'.length),
          { Limit: limit, Usage: usage },
        ]);
        return sync({ resources: Object.fromEntries(resources) });
      },
    },
    { method: 'DELETE', path, access: 'admin', handle: request => remove(lxd, request) },
  ];
}

const writable = ({ config, description }: ProjectRecord) => ({ config, description });

function find(lxd: Lxd, { params, caller }: ApiRequest): ProjectRecord {
  const name = params.name!;
  if (!mayEnter(caller, name)) fail('not-found', `Project not found: ${name}`);
  return getProject(lxd.view, name);
}

async function create(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const sent = await readBody(request, z.object({ name: z.string(), config: configField, description: textField }));
  const name = checkName('project', sent.name);
  if (name === 'default') throw taken(name);
  const record: ProjectRecord = {
    name,
    description: sent.description,
    config: withFeatures(withoutEmpty(sent.config)),
  };
  checkProjectConfig(name, record.config);
  const profile = PROFILES.create(PROFILES.key(name, 'default'), {
    name: 'default',
    project: name,
    description: `Default Berth profile for project ${name}`,
    config: {},
    devices: {},
  });
  const own = homeIn(record, 'profiles') === name ? [profile] : [];
  await commit(lxd, together(PROJECTS.create(PROJECTS.key(name), record), ...own), () => taken(name));
  return created(urlOf('projects', name));
}

async function change(lxd: Lxd, request: ApiRequest, next: ConfigChange): Promise<Answer> {
  const old = find(lxd, request);
  matchEtag(request, writable(old));
  const sent = await readBody(request, z.object({ config: configField, description: z.string().nullish() }));
  const config = next(old.config, sent.config);
  const description = sent.description ?? (request.method === 'PATCH' ? old.description : '');
  checkProjectConfig(old.name, config);
  const feature = changedFeature(old.config, config);
  if (feature !== undefined)
    fail('invalid', `"features.${feature}" is chosen when a project is made: make another project instead`);
  const record = { ...old, description, config };
  const instances = countedIn(lxd.view, old.name);
  mustBeWithinLimits(record, instances);
  for (const instance of instances) mustKeepRestrictions(record, instance);
  const stored = lxd.view.get(PROJECTS.key(old.name));
  await commit(
    lxd,
    together(
      stored === undefined ? PROJECTS.create(PROJECTS.key(old.name), record) : PROJECTS.replace(stored, record),
      unclaimed(lxd.view, old, false),
    ),
  );
  return DONE;
}

async function rename(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { name } = find(lxd, request);
  const sent = await readBody(request, z.object({ name: z.string() }));
  const newName = checkName('project', sent.name);
  if (name === 'default') fail('forbidden', 'The "default" project cannot be renamed');
  if (newName === 'default' || lxd.view.get(PROJECTS.key(newName)) !== undefined) throw taken(newName);
  if (contentsOf(lxd.view, name).length > 0) fail('invalid', 'Only empty projects can be renamed');
  const record = await lxd.engine.start(
    renameProject,
    { name, newName },
    {
      project: 'default',
      description: 'Renaming project',
      resources: { projects: [urlOf('projects', name)] },
      locks: [`project/${name}`],
      requestor: requestorOf(request),
    },
  );
  return started(sagaOperation(record));
}

async function remove(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { name } = find(lxd, request);
  if (name === 'default') fail('forbidden', 'The "default" project cannot be deleted');
  const [first] = contentsOf(lxd.view, name);
  if (first !== undefined) fail('invalid', `Only empty projects can be removed; this one has e.g. ${first}`);
  const stored = lxd.view.get(PROJECTS.key(name)) ?? fail('not-found', `Project not found: ${name}`);
  const profile = lxd.view.get(PROFILES.key(name, 'default'));
  const gone = together(PROJECTS.remove(stored), unclaimed(lxd.view, stored.value, true));
  await commit(lxd, together(gone, ...(profile === undefined ? [] : [PROFILES.remove(profile)])));
  return DONE;
}

const taken = (name: string) => new AppError('exists', `A project named "${name}" already exists`);
