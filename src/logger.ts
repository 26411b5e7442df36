import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'

/** Whoever knows one of these can ask as somebody else, or can be told who asked. */
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
 * The service's logger: a line of JSON each, `time` in UTC as ISO 8601, `level` in words, `err` with its causes. Headers that say who asks
 * are left out wherever a request or a reply is logged.
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

// Named fields only: errors of HTTP clients carry requests with their headers. A chain may be a ring, hence the depth.
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
