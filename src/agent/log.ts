/** What parts of the agent need of a logger: pino's shape, so that tests may pass a silent one. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
