import type { FastifyReply } from 'fastify'

/** Whoever does not read when the service ends will not be waited for any longer. */
const lastReadMs = 1000

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
