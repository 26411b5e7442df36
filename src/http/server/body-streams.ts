import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { requestBodyStream } from './body-parser.ts'

/** Whoever does not read when the service ends will not be waited for any longer. */
const closeGraceMs = 1000
/** A body of which nothing comes for so long, or nothing is taken, counts as cut off. */
export const defaultBodyIdleTimeoutMs = 60_000
/** Whoever was refused may go on sending for so long: a connection that is closed at once loses the answer on its way. */
const lingerMs = 10_000

/** Aborted when whoever asked is gone, or has the whole answer. */
export function disconnectSignal({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController()
  raw.once('close', () => controller.abort())
  if (raw.destroyed) controller.abort()
  return controller.signal
}

/** Breaks the connection soon after `ending` is aborted, if the answer is not through by then. */
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
  /** It fails if the body is cut off. Whoever destroys it leaves the connection, and the answer, alone. */
  readonly stream: Readable
  /** Did nothing come for too long? */
  hasTimedOut(): boolean
}

/** The body of a request as it comes. If it is not read to its end, the rest is thrown away for some seconds after the answer. */
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
    body.on('data', () => {}) // also once nobody iterates it any more
    body.resume()
  })

  async function* readChunks(): AsyncGenerator<Buffer> {
    const iterator = body.iterator({ destroyOnReturn: false })
    try {
      for (;;) {
        const next = await withTimeout(iterator.next(), idleTimeoutMs)
        if (next === 'late') {
          timedOut = true
          throw new Error('nothing of the body came for too long')
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

/** A stream may break before anybody reads it, and whoever reads it then is told. Unheard, it would end the service. */
function ignoreError() {}

async function withTimeout<T>(promise: Promise<T>, timeoutMs: number): Promise<T | 'late'> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, 'late')
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * The same bytes as they are taken, `length` of them if it is given: with less the stream fails, and what is more is not sent. A reader who takes
 * none for too long is cut off, and a source that has none.
 */
export function outgoingBody(bytes: Readable, { raw }: FastifyReply, idleTimeoutMs: number, length?: number): Readable {
  bytes.on('error', ignoreError)

  async function* readChunks(): AsyncGenerator<Buffer> {
    const idleTimer = setTimeout(() => raw.destroy(), idleTimeoutMs).unref()
    let remaining = length ?? Infinity
    try {
      for await (const chunk of bytes) {
        if (!Buffer.isBuffer(chunk)) throw new TypeError('a file is bytes')
        const part = chunk.length > remaining ? chunk.subarray(0, remaining) : chunk
        remaining -= part.length
        idleTimer.refresh()
        if (part.length > 0) yield part
        if (remaining === 0) return
      }
      if (length !== undefined && remaining > 0) throw new Error('the file is shorter than it was')
    } finally {
      clearTimeout(idleTimer)
    }
  }
  return Readable.from(readChunks(), { objectMode: false })
}
