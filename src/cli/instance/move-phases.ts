/** Where the pause of a live move went, from the metadata that our server leaves in its operation: read, and drawn. */
import { formatBytes } from '../../domain/size.ts';

type Metadata = Readonly<Record<string, unknown>>;

interface Round {
  readonly bytes: number;
  /** For so long its processes stood still. */
  readonly pauseMs: number;
}

export interface MovePhases {
  /** ms, in order; together the pause. */
  readonly phases: Readonly<Record<string, number>>;
  readonly pauseMs: number;
  readonly predictedMs: number | undefined;
  readonly mode: string;
  readonly why: string;
  /** Of a post-copy. */
  readonly memory: { readonly ms: number; readonly bytes: number } | undefined;
  /** Of a pre-copy. */
  readonly rounds: readonly Round[];
}

/** Undefined for another server, a move that was not live, or one that has not come so far. */
export function movePhases(metadata: Metadata | null | undefined): MovePhases | undefined {
  const [freeze, restore, resume] = ['freeze', 'restore', 'resume'].map(phase =>
    times(metadata?.[`berth.${phase}_ms`]),
  );
  if (freeze === undefined || restore === undefined || resume === undefined) return undefined;
  const { dump = 0, images = 0, total = dump + images } = freeze;
  const phases = {
    dump,
    'send images': images,
    'end of volume': Math.max(0, total - dump - images),
    restore: restore.restore ?? 0,
    switch: number(metadata?.['berth.switch_ms']) ?? 0,
    resume: resume.pause ?? 0,
  };
  const [ms, bytes] = [number(metadata?.['berth.memory_ms']), number(metadata?.['berth.memory_bytes'])];
  return {
    phases,
    pauseMs: number(metadata?.['berth.pause_ms']) ?? Object.values(phases).reduce((a, b) => a + b, 0),
    predictedMs: number(metadata?.['berth.predicted_pause_ms']),
    mode: String(metadata?.['berth.mode'] ?? ''),
    why: String(metadata?.['berth.mode_reason'] ?? ''),
    memory: ms === undefined || bytes === undefined ? undefined : { ms, bytes },
    rounds: roundsIn(metadata?.['berth.memory_rounds']),
  };
}

const BAR_CHARS = 50;

/** A bar for each phase, each beginning where the one before it ends. */
export function drawMovePhases({ phases, pauseMs, predictedMs, mode, why, memory, rounds }: MovePhases): string {
  const predicted = predictedMs === undefined ? '' : `, predicted ${Math.round(predictedMs)} ms`;
  const whole = Math.max(
    1,
    Object.values(phases).reduce((a, b) => a + b, 0),
  );
  const width = Math.max(...Object.keys(phases).map(name => name.length));
  let from = 0;
  const bars = Object.entries(phases).map(([name, ms]) => {
    const at = Math.round((from / whole) * BAR_CHARS);
    from += ms;
    const bar = '█'.repeat(Math.max(1, Math.round((from / whole) * BAR_CHARS) - at));
    return `  ${name.padEnd(width)} ${String(Math.round(ms)).padStart(5)} ms  ${' '.repeat(at)}${bar}`;
  });
  const tail =
    memory === undefined
      ? []
      : [
          `then ${formatBytes(memory.bytes)} of memory followed in ${Math.round(memory.ms)} ms: so long both hosts were needed`,
        ];
  return [...aheadOf(rounds), `pause ${Math.round(pauseMs)} ms${predicted}; ${mode}: ${why}`, ...bars, ...tail].join(
    '\n',
  );
}

function aheadOf(rounds: readonly Round[]): readonly string[] {
  if (rounds.length === 0) return [];
  const pauseMs = Math.round(rounds.reduce((sum, round) => sum + round.pauseMs, 0));
  const bytes = rounds.map(round => formatBytes(round.bytes)).join(', ');
  return [`memory went ahead in rounds: ${bytes}; they held it up for ${pauseMs} ms in all`];
}

function roundsIn(value: unknown): readonly Round[] {
  const each: readonly Partial<Round>[] = Array.isArray(value) ? value : [];
  return each.map(({ bytes, pauseMs }) => ({ bytes: number(bytes) ?? 0, pauseMs: number(pauseMs) ?? 0 }));
}

const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

function times(value: unknown): Readonly<Record<string, number>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, number>>) : undefined;
}
