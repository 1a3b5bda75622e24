export { defineEvacuate as define } from '../groups/evacuate.ts';
