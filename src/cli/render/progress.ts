import type { OutputStream } from '../io.ts';

/**
 * One line at the bottom of a terminal that shows what is going on, and goes away when it is over. Nothing is ever
 * written where nobody looks (no terminal, or --quiet).
 */
export class ProgressLine {
  readonly #stream: OutputStream;
  readonly #label: string;
  #text = '';
  #frame = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: OutputStream, label: string) {
    this.#stream = stream;
    this.#label = label;
    this.#timer = setInterval(() => this.#draw(), 100);
    this.#timer.unref();
    this.#draw();
  }

  update(text: string): void {
    this.#text = text;
    this.#draw();
  }

  /** Clears the line; more updates are ignored. */
  close(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#stream.write('\r\x1b[K');
  }

  #draw(): void {
    if (this.#timer === undefined) return;
    this.#stream.write(`\r${progressLine(this.#label, this.#text, this.#frame++, this.#stream.columns ?? 80)}\x1b[K`);
  }
}

const SPINNER = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const BAR_CELLS = 20;

/** A bar where the text holds a percentage, else a spinner; never wider than the terminal. */
export function progressLine(label: string, text: string, frame: number, columns: number): string {
  const percent = /(\d{1,3})%/.exec(text)?.[1];
  const sign = percent === undefined ? SPINNER[frame % SPINNER.length] : bar(Math.min(100, Number(percent)));
  const line = text === '' ? `${sign} ${label}` : `${sign} ${label}: ${text}`;
  return [...line].slice(0, Math.max(1, columns - 1)).join('');
}

function bar(percent: number): string {
  const filled = Math.round((percent / 100) * BAR_CELLS);
  return `[${'='.repeat(filled)}${' '.repeat(BAR_CELLS - filled)}]`;
}
