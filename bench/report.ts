/** What a benchmark measured, with what it is measured against, as a table for people and as JSON for programs. */
export interface Report {
  readonly name: string;
  readonly at: string;
  readonly machine: Machine;
  readonly rows: readonly object[];
}

export interface Options {
  /** Fewer of everything: to see that it works. */
  readonly quick: boolean;
  /** Only what has one of these in its name, with commas between; '' = all. */
  readonly only: string;
  readonly say: (line: string) => void;
}

export interface Findings {
  /** For programs. */
  readonly rows: readonly object[];
  /** For people: first the heads of the columns. */
  readonly table: readonly (readonly string[])[];
  /** SVG. */
  readonly picture?: string;
}

export interface Machine {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly node: string;
  /** One minute's load average before the run: a busy machine measures itself. */
  readonly load: number;
}

export interface Row {
  readonly what: string;
  readonly unit: 'ms' | '/s' | 'MiB';
  /** Every single measurement, in order. */
  readonly values: readonly number[];
  /** What others took for the same thing in the same run, by who they are. */
  readonly peers?: Readonly<Record<string, readonly number[]>>;
  /** What is to be reached. */
  readonly goal?: string;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** "212 [180-260]"; a single measurement has no spread to tell. */
export function summary(values: readonly number[]): string {
  const round = (value: number) => (value < 10 ? value.toFixed(1) : String(Math.round(value)));
  if (values.length === 1) return round(values[0]!);
  return `${round(median(values))} [${round(Math.min(...values))}-${round(Math.max(...values))}]`;
}

/** The `q`th quantile, by the nearest rank: of 20 values the 99th percentile is the largest. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;
}

/** Of measurements that stand beside those of others; a ratio is Berth's median over the other's. */
export function findings(rows: readonly Row[]): Findings {
  const peers = [...new Set(rows.flatMap(row => Object.keys(row.peers ?? {})))];
  const lines = rows.map(row => [
    row.what,
    String(row.values.length),
    `${summary(row.values)} ${row.unit}`,
    ...peers.flatMap(peer => {
      const theirs = row.peers?.[peer];
      return theirs === undefined ? ['', ''] : [summary(theirs), (median(row.values) / median(theirs)).toFixed(2)];
    }),
    row.goal ?? '',
  ]);
  const heads = ['median [min-max]', 'n', 'Berth', ...peers.flatMap(peer => [peer, 'ratio'])];
  return { rows, table: [[...heads, rows.some(({ goal }) => goal !== undefined) ? 'goal' : ''], ...lines] };
}

export function renderReport({ name, machine }: Report, table: Findings['table']): string {
  const widths = table[0]!.map((_, column) => Math.max(...table.map(row => row[column]!.length)));
  const lines = table.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  const { cpus, memoryBytes, kernel, node, load } = machine;
  const where = `${cpus} CPUs, ${Math.round(memoryBytes / 1024 ** 3)} GiB, Linux ${kernel}, Node ${node}, load ${load.toFixed(1)}`;
  return [`${name}: ${where}`, '', ...lines].join('\n');
}
