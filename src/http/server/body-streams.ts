import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { requestBodyStream } from './body-parser.ts'

/** How long a client may take to read the rest of a response when the service shuts down. */
const closeGraceMs = 1000
/** A body that makes no progress for this time, in either direction, counts as truncated. */
export const defaultBodyIdleTimeoutMs = 60_000
/** How long a rejected client may continue to send. Closing the connection at once would lose the response. */
const lingerMs = 10_000

/** Aborted when the client disconnects or has received the whole response. */
export function disconnectSignal({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController()
  raw.once('close', () => controller.abort())
  if (raw.destroyed) controller.abort()
  return controller.signal
}

/** Closes the connection one second after `shutdownSignal` is aborted, unless the response is complete by then. */
export function closeOnShutdown({ raw }: FastifyReply, shutdownSignal: AbortSignal): void {
  let timer: NodeJS.Timeout | undefined
  const closeSoon = () => {
    timer = setTimeout(() => raw.destroy(), closeGraceMs).unref()
  }
  shutdownSignal.addEventListener('abort', closeSoon)
  raw.once('close', () => {
    clearTimeout(timer)
    shutdownSignal.removeEventListener('abort', closeSoon)
  })
}

export interface IncomingBody {
  /** Fails if the body is truncated. Destroying it affects neither the connection nor the response. */
  readonly stream: Readable
  /** True if the stream failed because no data arrived in time. */
  hasTimedOut(): boolean
}

/** The body of a request as a stream. An unread rest is discarded for up to ten seconds after the response. */
export function incomingBody(
  request: FastifyRequest,
  { raw: response }: FastifyReply,
  idleTimeoutMs: number,
): IncomingBody {
  const body = requestBodyStream(request)
  let timedOut = false
  response.once('finish', () => {
    if (body.readableEnded || body.destroyed) return
    const linger = setTimeout(() => request.raw.destroy(), lingerMs).unref()
    for (const event of ['end', 'close']) body.once(event, () => clearTimeout(linger))
    body.on('data', () => {}) // keeps the body flowing after its iterator has ended
    body.resume()
  })

  async function* readChunks(): AsyncGenerator<Buffer> {
    const iterator = body.iterator({ destroyOnReturn: false })
    try {
      for (;;) {
        const next = await withTimeout(iterator.next(), idleTimeoutMs)
        if (next === 'timeout') {
          timedOut = true
          throw new Error('no data of the body arrived in time')
        }
        if (next.done === true) return
        yield next.value
      }
    } finally {
      void iterator.return?.()
    }
  }

  const stream = Readable.from(readChunks(), { objectMode: false })
  stream.on('error', ignoreError)
  return { stream, hasTimedOut: () => timedOut }
}

/** A stream may fail before it has a reader, who gets the error later. Without a listener, the error would end the process. */
function ignoreError() {}

async function withTimeout<T>(promise: Promise<T>, timeoutMs: number): Promise<T | 'timeout'> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<'timeout'>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, 'timeout')
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * The same bytes with backpressure, limited to `length` if given: fewer bytes fail the stream, further ones are not sent.
 * Closes the connection if the source or the reader stalls for `idleTimeoutMs`.
 */
export function outgoingBody(bytes: Readable, { raw }: FastifyReply, idleTimeoutMs: number, length?: number): Readable {
  bytes.on('error', ignoreError)

  async function* readChunks(): AsyncGenerator<Buffer> {
    const idleTimer = setTimeout(() => raw.destroy(), idleTimeoutMs).unref()
    let remaining = length ?? Infinity
    try {
      for await (const chunk of bytes) {
        if (!Buffer.isBuffer(chunk)) throw new TypeError('the source must yield buffers')
        const part = chunk.length > remaining ? chunk.subarray(0, remaining) : chunk
        remaining -= part.length
        idleTimer.refresh()
        if (part.length > 0) yield part
        if (remaining === 0) return
      }
      if (length !== undefined && remaining > 0) throw new Error('the file became shorter while it was read')
    } finally {
      clearTimeout(idleTimer)
    }
  }
  return Readable.from(readChunks(), { objectMode: false })
}
