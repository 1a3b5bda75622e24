/** `/1.0/profiles`: config and devices that many instances share. */
import { z } from 'zod';
import { checkProfileConfig } from '../../domain/config-keys.ts';
import { checkDevices } from '../../domain/devices.ts';
import { AppError, fail } from '../../domain/errors.ts';
import { checkName } from '../../domain/names.ts';
import type { ProfileRecord } from '../../domain/profile.ts';
import { DEFAULT_PROJECT } from '../../domain/project.ts';
import { mustKeepRestrictions } from '../../domain/project-restrictions.ts';
import { type Stored, together } from '../../store/keyspace.ts';
import { commit } from '../commit.ts';
import { type Answer, created, DONE, sync } from '../http/answer.ts';
import { type ApiRequest, matchEtag, readBody } from '../http/request.ts';
import type { Route } from '../http/route.ts';
import { getProject } from '../projects/project-store.ts';
import { INSTANCES, PROFILES } from '../spaces.ts';
import type { Lxd } from './context.ts';
import { cleanDevices, configField, devicesField, patched, textField, withoutEmpty } from './fields.ts';
import { list, projectUrl, urlOf } from './lists.ts';
import { mustSuitProjects, refreshInstances, usersOf } from './profile-users.ts';
import { homeFor } from './project.ts';
import { requestorOf } from './requestor.ts';

export function profileRoutes(lxd: Lxd): readonly Route[] {
  const at = (
    method: Route['method'],
    path: string,
    handle: (request: ApiRequest) => Promise<Answer> | Answer,
  ): Route => ({
    method,
    path: `/1.0/profiles${path}`,
    access: 'trusted',
    handle,
  });
  return [
    at('GET', '', request =>
      list(
        request,
        lxd.view.list(PROFILES, homeFor(lxd.view, request, 'profiles')).map(({ value }) => value),
        ({ name }) => urlOf('profiles', name),
        profile => shown(lxd, profile),
      ),
    ),
    at('POST', '', async request => {
      const { name, ...rest } = await readBody(request, bodyOf.extend({ name: z.string() }));
      check(written(rest));
      await create(lxd, {
        ...written(rest),
        name: checkName('profile', name),
        project: homeFor(lxd.view, request, 'profiles'),
      });
      return created(urlOf('profiles', name));
    }),
    at('GET', '/:name', request => {
      const { value } = find(lxd, request);
      return sync(shown(lxd, value), writable(value));
    }),
    at('PUT', '/:name', async request => {
      const old = find(lxd, request);
      matchEtag(request, writable(old.value));
      return change(lxd, request, old, written(await readBody(request, bodyOf)));
    }),
    at('PATCH', '/:name', async request => {
      const old = find(lxd, request);
      matchEtag(request, writable(old.value));
      const sent = await readBody(request, bodyOf.partial());
      return change(lxd, request, old, {
        description: sent.description || old.value.description,
        config: patched(old.value.config, sent.config ?? {}),
        devices: cleanDevices({ ...old.value.devices, ...sent.devices }),
      });
    }),
    at('POST', '/:name', async request => {
      const { name } = await readBody(request, z.object({ name: z.string() }));
      const old = find(lxd, request);
      await rename(lxd, old, checkName('profile', name));
      return created(urlOf('profiles', name));
    }),
    at('DELETE', '/:name', async request => {
      const old = find(lxd, request);
      if (old.value.name === 'default') fail('invalid', 'The "default" profile cannot be deleted');
      const users = userUrls(lxd, old.value);
      if (users.length > 0)
        fail('invalid', `Profile is currently in use by ${users.length} instance(s), e.g. ${users[0]}`);
      await commit(lxd, PROFILES.remove(old));
      return DONE;
    }),
  ];
}

/** Makes sure that the profile every instance gets by default exists. */
export async function ensureDefaultProfile(lxd: Pick<Lxd, 'store' | 'view'>): Promise<void> {
  const record: ProfileRecord = {
    name: 'default',
    project: DEFAULT_PROJECT,
    description: 'Default Berth profile',
    config: {},
    devices: {},
  };
  const key = PROFILES.key(record.project, record.name);
  if (lxd.view.get(key) === undefined) await lxd.store.commit(PROFILES.create(key, record));
}

const bodyOf = z.object({ description: textField, config: configField, devices: devicesField });

type Writable = Pick<ProfileRecord, 'description' | 'config' | 'devices'>;

const writable = ({ description, config, devices }: ProfileRecord): Writable => ({ description, config, devices });

const written = (body: Writable): Writable => ({
  description: body.description,
  config: withoutEmpty(body.config),
  devices: cleanDevices(body.devices),
});

async function create(lxd: Lxd, record: ProfileRecord): Promise<void> {
  mustKeepRestrictions(getProject(lxd.view, record.project), record);
  const key = PROFILES.key(record.project, record.name);
  await commit(lxd, PROFILES.create(key, record), () => taken(record.name));
}

/** Returns when the instances that use it have what changed, or says which do not. */
async function change(lxd: Lxd, request: ApiRequest, old: Stored<ProfileRecord>, body: Writable): Promise<Answer> {
  check(body);
  mustSuitProjects(lxd.view, old, body);
  await commit(lxd, PROFILES.replace(old, { ...old.value, ...body }));
  await refreshInstances(lxd, old.value, requestorOf(request));
  return DONE;
}

function check({ config, devices }: Writable): void {
  checkProfileConfig(config);
  checkDevices(devices);
}

async function rename(lxd: Lxd, old: Stored<ProfileRecord>, name: string): Promise<void> {
  if (old.value.name === 'default') fail('invalid', 'The "default" profile cannot be renamed');
  const users = usersOf(lxd.view, old.value);
  const record = { ...old.value, name };
  const renamed = users.map(user =>
    INSTANCES.replace(user, {
      ...user.value,
      profiles: user.value.profiles.map(profile => (profile === old.value.name ? name : profile)),
    }),
  );
  const moved = together(PROFILES.remove(old), PROFILES.create(PROFILES.key(record.project, name), record));
  await commit(lxd, together(moved, ...renamed), failed =>
    failed.includes(PROFILES.key(record.project, name))
      ? taken(name)
      : new AppError('busy', 'An instance that uses it was changed meanwhile; try again'),
  );
}

function find(lxd: Lxd, request: ApiRequest): Stored<ProfileRecord> {
  const name = request.params.name!;
  return (
    lxd.view.get(PROFILES.key(homeFor(lxd.view, request, 'profiles'), name)) ??
    fail('not-found', `Profile not found: ${name}`)
  );
}

const taken = (name: string) => new AppError('exists', `The profile already exists: ${name}`);

function shown(lxd: Lxd, profile: ProfileRecord) {
  return { name: profile.name, ...writable(profile), used_by: userUrls(lxd, profile) };
}

function userUrls(lxd: Lxd, profile: ProfileRecord): readonly string[] {
  return usersOf(lxd.view, profile).map(({ value }) => projectUrl(value.project, 'instances', value.name));
}
