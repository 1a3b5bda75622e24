/** Reads projects from the view: which there are, and where their images, profiles and volumes are. */
import { fail } from '../../domain/errors.ts';
import { DEFAULT_PROJECT, type Feature, FIRST_PROJECT, homeIn, type ProjectRecord } from '../../domain/project.ts';
import type { View } from '../../store/view.ts';
import { PROJECTS } from '../spaces.ts';

/** In the order of their names. `default` is there before anybody has written it. */
export function allProjects(view: View): readonly ProjectRecord[] {
  const stored = view.list(PROJECTS).map(({ value }) => value);
  return stored.some(({ name }) => name === DEFAULT_PROJECT) ? stored : [FIRST_PROJECT, ...stored];
}

export function findProject(view: Pick<View, 'get'>, name: string): ProjectRecord | undefined {
  return view.get(PROJECTS.key(name))?.value ?? (name === DEFAULT_PROJECT ? FIRST_PROJECT : undefined);
}

/** @throws AppError `not-found`. */
export function getProject(view: View, name: string): ProjectRecord {
  return findProject(view, name) ?? fail('not-found', `Project not found: ${name}`);
}

/** The project whose images, profiles or volumes are those of `project`; of one that is gone, its own. */
export function homeOf(view: Pick<View, 'get'>, project: string, feature: Feature): string {
  const record = findProject(view, project);
  return record === undefined ? project : homeIn(record, feature);
}
