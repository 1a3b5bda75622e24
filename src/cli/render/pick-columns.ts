import { AppError } from '../../domain/errors.ts';

/** Columns of a list by the letters of `--columns`. */
export type Columns<T> = Readonly<Record<string, { readonly header: string; readonly cell: (item: T) => string }>>;

/** @param letters perhaps with commas between @throws AppError `invalid` for a letter that is none */
export function pickColumns<T>(columns: Columns<T>, letters: string) {
  return [...letters.replaceAll(',', '')].map(letter => {
    if (Object.hasOwn(columns, letter)) return columns[letter]!;
    throw new AppError('invalid', `Unknown column "${letter}" (known: ${Object.keys(columns).join('')})`);
  });
}
