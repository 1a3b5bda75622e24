import { InvalidArgumentError } from 'commander';

/** Whole seconds; -1 means for ever. */
export function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < -1) throw new InvalidArgumentError('Give whole seconds, or -1 for ever.');
  return seconds;
}
