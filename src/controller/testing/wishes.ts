/** What tests wish for, with little to say. */
import type { NewInstance } from '../instances/new-instance.ts';
import { IMAGE } from './test-cluster.ts';

export function wish(name: string, more: Partial<NewInstance> = {}): NewInstance {
  return {
    project: 'default',
    name,
    description: '',
    architecture: '',
    config: {},
    devices: {},
    profiles: undefined,
    ephemeral: false,
    image: IMAGE,
    target: undefined,
    ...more,
  };
}
