import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { streamIn } from './body.ts'

/** Whoever does not read when the service ends will not be waited for any longer. */
const lastReadMs = 1000
/** A body of which nothing comes for so long, or nothing is taken, counts as cut off. */
export const idleBodyMs = 60_000
/** Whoever was refused may go on sending for so long: a connection that is closed at once loses the answer on its way. */
const lingerMs = 10_000

/** Aborted when whoever asked is gone, or has the whole answer. */
export function leaving({ raw }: FastifyReply): AbortSignal {
  const left = new AbortController()
  raw.once('close', () => left.abort())
  if (raw.destroyed) left.abort()
  return left.signal
}

/** Breaks the connection soon after `ending` is aborted, if the answer is not through by then. */
export function cutAtTheEnd({ raw }: FastifyReply, ending: AbortSignal): void {
  const cut = () => void setTimeout(() => raw.destroy(), lastReadMs).unref()
  ending.addEventListener('abort', cut)
  raw.once('close', () => ending.removeEventListener('abort', cut))
}

export interface Incoming {
  /** It fails if the body is cut off. Whoever destroys it leaves the connection, and the answer, alone. */
  readonly stream: Readable
  /** Did nothing come for too long? */
  isLate(): boolean
}

/** The body of a request as it comes. If it is not read to its end, the rest is thrown away for some seconds after the answer. */
export function incoming(request: FastifyRequest, { raw: response }: FastifyReply, idleMs: number): Incoming {
  const body = streamIn(request)
  let late = false
  response.once('finish', () => {
    if (body.readableEnded || body.destroyed) return
    const linger = setTimeout(() => request.raw.socket.destroy(), lingerMs).unref()
    body.once('close', () => clearTimeout(linger))
    body.on('data', () => {}) // also once nobody iterates it any more
    body.resume()
  })

  async function* pieces(): AsyncGenerator<Buffer> {
    const chunks = body.iterator({ destroyOnReturn: false })
    try {
      for (;;) {
        const next = await inTime(chunks.next(), idleMs)
        if (next === 'late') {
          late = true
          throw new Error('nothing of the body came for too long')
        }
        if (next.done === true) return
        yield next.value
      }
    } finally {
      void chunks.return?.()
    }
  }

  const stream = Readable.from(pieces(), { objectMode: false })
  stream.on('error', unheard)
  return { stream, isLate: () => late }
}

/** A stream may break before anybody reads it, and whoever reads it then is told. Unheard, it would end the service. */
function unheard() {}

async function inTime<T>(what: Promise<T>, withinMs: number): Promise<T | 'late'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, withinMs, 'late')
  })
  try {
    return await Promise.race([what, late])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * The same bytes as they are taken, `length` of them if it is given: with less the stream fails, and what is more is not sent. A reader who takes
 * none for too long is cut off, and a source that has none.
 */
export function outgoing(bytes: Readable, { raw }: FastifyReply, idleMs: number, length?: number): Readable {
  bytes.on('error', unheard)

  async function* pieces(): AsyncGenerator<Buffer> {
    const idle = setTimeout(() => raw.destroy(), idleMs).unref()
    let left = length ?? Infinity
    try {
      for await (const chunk of bytes) {
        if (!Buffer.isBuffer(chunk)) throw new TypeError('a file is bytes')
        const piece = chunk.length > left ? chunk.subarray(0, left) : chunk
        left -= piece.length
        idle.refresh()
        if (piece.length > 0) yield piece
        if (left === 0) return
      }
      if (length !== undefined && left > 0) throw new Error('the file is shorter than it was')
    } finally {
      clearTimeout(idle)
    }
  }
  return Readable.from(pieces(), { objectMode: false })
}
