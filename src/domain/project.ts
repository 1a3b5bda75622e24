/** Projects: instances under a name of their own, with images, profiles and volumes of their own or those of `default`. */

import type { Config } from './instance.ts';
import { isTrue } from './values.ts';

/** The project that always exists. */
export const DEFAULT_PROJECT = 'default';

/** Key `projects/<name>`; written by the projects API. */
export interface ProjectRecord {
  readonly name: string;
  readonly description: string;
  readonly config: Config;
}

/** What a project may have of its own; without it the project uses what `default` has. */
export const FEATURES = ['images', 'profiles', 'storage.volumes', 'networks'] as const;
export type Feature = (typeof FEATURES)[number];

const featureKey = (feature: Feature): string => `features.${feature}`;

/** The project `default` as it is until somebody edits it. */
export const FIRST_PROJECT: ProjectRecord = {
  name: DEFAULT_PROJECT,
  description: 'Default project',
  config: Object.fromEntries(FEATURES.map(feature => [featureKey(feature), 'true'])),
};

/** As in LXD a new project has all features but networks, of which nothing is said; Ansible compares the whole map. */
export function withFeatures(config: Config): Config {
  const usual = FEATURES.filter(feature => feature !== 'networks').map(feature => [featureKey(feature), 'true']);
  return { ...Object.fromEntries(usual), ...config };
}

/** Features are what a project is built on: they change only while nothing is in it. */
export function changedFeature(old: Config, next: Config): Feature | undefined {
  return FEATURES.find(feature => isTrue(old[featureKey(feature)]) !== isTrue(next[featureKey(feature)]));
}

/** The project whose images, profiles or volumes are used in `project`. */
export function homeIn(project: ProjectRecord, feature: Feature): string {
  return isTrue(project.config[featureKey(feature)]) ? project.name : DEFAULT_PROJECT;
}
