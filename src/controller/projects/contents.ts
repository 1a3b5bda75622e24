/** What is in a project, as URLs; and whether it is empty, so that it can be renamed, deleted or get other features. */
import type { ProjectRecord } from '../../domain/project.ts';
import type { View } from '../../store/view.ts';
import { IMAGES, INSTANCES, PROFILES, VOLUMES } from '../spaces.ts';

/** All but the profile `default`, which comes and goes with its project. */
export function contentsOf(view: View, project: string): readonly string[] {
  const profiles = view.list(PROFILES, project).filter(({ value }) => value.name !== 'default');
  return [
    ...view.list(INSTANCES, project).map(({ value }) => `instances/${value.name}`),
    ...profiles.map(({ value }) => `profiles/${value.name}`),
    ...view
      .list(VOLUMES, project)
      .map(({ value }) => `storage-pools/${value.pool}/volumes/custom/${encodeURIComponent(value.name)}`),
    ...view.list(IMAGES, project).map(({ value }) => `images/${value.fingerprint}`),
  ];
}

export function usedBy(view: View, { name }: ProjectRecord): readonly string[] {
  const suffix = name === 'default' ? '' : `?project=${encodeURIComponent(name)}`;
  const own = view.list(PROFILES, name).some(({ value }) => value.name === 'default') ? ['profiles/default'] : [];
  return [...own, ...contentsOf(view, name)].map(path => `/1.0/${path}${suffix}`);
}
