/**
 * The controller's log: JSON lines by pino on standard output, and the same entries to whoever listens (LXD's `logging`
 * events). Names of secrets never reach either.
 */
import { pino } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogEntry {
  readonly level: LogLevel;
  /** ISO 8601. */
  readonly time: string;
  readonly message: string;
  readonly context: Readonly<Record<string, string>>;
}

type Details = Readonly<Record<string, unknown>>;

/** Details are ids: `request`, `operation`, `instance`, `node`, `generation`. */
export interface Log {
  debug(message: string, details?: Details): void;
  info(message: string, details?: Details): void;
  warn(message: string, details?: Details): void;
  error(message: string, details?: Details): void;
  /** A log whose every entry has `details` too. */
  with(details: Details): Log;
  onEntry(listener: (entry: LogEntry) => void): () => void;
}

const SECRET = /^(secret|secrets|password|token|key|cookie|authorization|core\.trust_password)$/i;

/** `write` takes whole lines; the default is standard output. */
export function openLog(level: LogLevel, write: (line: string) => void = line => void process.stdout.write(line)): Log {
  const root = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'message' }, { write });
  const listeners = new Set<(entry: LogEntry) => void>();

  const withDetails = (inherited: Details): Log => {
    const at =
      (entryLevel: LogLevel) =>
      (message: string, details: Details = {}) => {
        const all = censor({ ...inherited, ...details });
        root[entryLevel](all, message);
        if (listeners.size === 0 || !root.isLevelEnabled(entryLevel)) return;
        const context = Object.fromEntries(Object.entries(all).map(([name, value]) => [name, asText(value)]));
        for (const listener of listeners)
          listener({ level: entryLevel, time: new Date().toISOString(), message, context });
      };
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      with: details => withDetails({ ...inherited, ...details }),
      onEntry: listener => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
  };
  return withDetails({});
}

/** Errors become their text and stack; what is named like a secret is left out. */
function censor(details: Details): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(details)
      .filter(([name]) => !SECRET.test(name))
      .map(([name, value]) => [name, value instanceof Error ? (value.stack ?? value.message) : value]),
  );
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
