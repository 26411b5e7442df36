import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'

/** Headers that authenticate or name the caller. */
const secretHeaders = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-user',
  'x-vm-user',
  'x-forwarded-user',
  'x-vm-proxy-secret',
]

/**
 * Creates the service's logger. Each line is JSON, with `time` in UTC as ISO 8601, `level` as a word, and `err` with its causes. Headers
 * that authenticate or name the caller are removed from logged requests and responses.
 */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: (error: unknown) => describeError(error) },
    redact: {
      paths: secretHeaders.flatMap((header) =>
        ['', 'req.', 'res.', 'request.'].map((at) => `${at}headers["${header}"]`),
      ),
      remove: true,
    },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}

interface ErrorFields {
  readonly type: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
  readonly cause?: ErrorFields
  readonly errors?: readonly ErrorFields[]
}

// Copies known fields only: errors of HTTP clients carry requests with headers. The depth is limited because causes may form a cycle.
function describeError(error: unknown, depth = 0): ErrorFields {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) }
  const causes = error instanceof AggregateError ? error.errors.slice(0, 10) : []
  const withinDepth = depth < 8
  return {
    type: error.name,
    message: error.message,
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(withinDepth && error.cause !== undefined ? { cause: describeError(error.cause, depth + 1) } : {}),
    ...(withinDepth && causes.length > 0 ? { errors: causes.map((cause) => describeError(cause, depth + 1)) } : {}),
  }
}
