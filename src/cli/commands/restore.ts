export { defineRestore as define } from '../groups/evacuate.ts';
