/**
 * The user's own commands (`berth alias`): a word that stands for others. Pure. A command of berth's is never replaced; the
 * words typed after it follow, or stand where the alias says `@ARGS@`, as in lxc.
 */
import { AppError } from '../../domain/errors.ts';

export type OwnWords = Readonly<Record<string, string>>;

/** @param line without the program's name; its first word is looked up. */
export function expandOwnWord(line: readonly string[], own: OwnWords): readonly string[] {
  const [word = '', ...rest] = line;
  if (!Object.hasOwn(own, word)) return line;
  const words = own[word]!.split(/\s+/).filter(each => each !== '');
  return words.includes('@ARGS@') ? words.flatMap(each => (each === '@ARGS@' ? rest : [each])) : [...words, ...rest];
}

export function addOwnWord(own: OwnWords, name: string, target: string): OwnWords {
  if (Object.hasOwn(own, name)) throw new AppError('exists', `Alias ${name} already exists`);
  if (!/^[^\s-]\S*$/.test(name)) throw new AppError('invalid', `Invalid alias "${name}": it is one word`);
  return { ...own, [name]: target };
}

export function removeOwnWord(own: OwnWords, name: string): OwnWords {
  if (!Object.hasOwn(own, name)) throw new AppError('not-found', `Alias ${name} doesn't exist`);
  const { [name]: _removed, ...rest } = own;
  return rest;
}
