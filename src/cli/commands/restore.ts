export { defineRestore as define } from '../evacuate-commands.ts';
