/**
 * Where the service writes what an operator should know. Fields first, then one sentence. pino's logger is one; the interface
 * is kept this small so that a test can stand in with four functions.
 */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
