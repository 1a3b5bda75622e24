/** What moved, as the table of docs/migration.md: pure. */
import { median } from '../report.ts';

export interface ProgramRow {
  readonly program: string;
  readonly version: string;
  readonly image: string;
  readonly moves: number;
  /** The longest wait of its client in each move. */
  readonly pausesMs: readonly number[];
  /** Why it could not move, or what was not as before; '' = all was well. */
  readonly failure: string;
  readonly remark: string;
}

export function programTable(rows: readonly ProgramRow[]): readonly (readonly string[])[] {
  const cells = rows.map(({ program, version, image, moves, pausesMs, failure, remark }) => [
    version === '' ? program : `${program} (${version})`,
    image,
    failure === '' ? `${moves} of ${moves}` : `${moves}, then an error`,
    pausesMs.length === 0 ? '' : `${Math.round(median(pausesMs))} / ${Math.round(Math.max(...pausesMs))}`,
    failure || remark,
  ]);
  return [['program', 'image', 'moved', 'pause p50 / max, ms', 'remarks'], ...cells];
}
