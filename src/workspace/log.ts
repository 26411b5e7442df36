/**
 * The log for operators: fields first, then one sentence. A pino logger implements it, and a test can with four functions.
 */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
