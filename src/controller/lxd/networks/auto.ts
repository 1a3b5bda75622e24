/** The addresses that a new network gets when none are named: pure but for the dice it is given. */
import { fail } from '../../../domain/errors.ts';
import type { Config } from '../../../domain/instance.ts';
import { type Cidr, overlap, parseCidr } from '../../../domain/ip.ts';

/** A number from 0 to below 1. */
export type Dice = () => number;

const TRIES = 100;

/** As LXD fills them in: an address of each family, and a way out. @param taken networks that are somebody's already. */
export function withAddresses(config: Config, taken: readonly Cidr[], dice: Dice): Config {
  return { ...config, ...addressOf(4, config, taken, dice), ...addressOf(6, config, taken, dice) };
}

function addressOf(family: 4 | 6, config: Config, taken: readonly Cidr[], dice: Dice): Config {
  const key = `ipv${family}.address`;
  if ((config[key] || 'auto') !== 'auto') return {};
  const address = free(family === 4 ? four : six, taken, dice);
  return { [key]: address, [`ipv${family}.nat`]: config[`ipv${family}.nat`] || 'true' };
}

function free(make: (dice: Dice) => string, taken: readonly Cidr[], dice: Dice): string {
  for (let tried = 0; tried < TRIES; tried += 1) {
    const text = make(dice);
    if (!taken.some(each => overlap(each, parseCidr(text)!))) return text;
  }
  return fail('exhausted', 'no free network was found; name one, as in ipv4.address=10.20.30.1/24');
}

const four = (dice: Dice): string => `10.${byte(dice)}.${byte(dice)}.1/24`;
const six = (dice: Dice): string => `fd42:${word(dice)}:${word(dice)}:${word(dice)}::1/64`;

const byte = (dice: Dice): number => Math.floor(dice() * 256);
/** No leading zero, as addresses are written. */
const word = (dice: Dice): string => (0x1000 + Math.floor(dice() * 0xf000)).toString(16);
