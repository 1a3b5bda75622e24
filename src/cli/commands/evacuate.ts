export { defineEvacuate as define } from '../evacuate-commands.ts';
