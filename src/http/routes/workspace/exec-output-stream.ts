import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import type { AttachResult, OutputReader } from '../../../runtime/exec/output-readers.ts'

/** Proxies usually close a connection that is silent for a minute. */
const heartbeatMs = 20_000
/** How much may be on its way to a reader before it counts as lagging. */
const maxUnsentBytes = 256 * 1024
/** How long a reader that does not read delays the end of the service. */
const closeGraceMs = 1000

export const ndjsonType = 'application/x-ndjson'

/**
 * Streams the lines of a reader as they come and are taken, until it has all of them, disconnects, or the service ends: then without a last
 * line. Returns why no reader could be attached, and then nothing was sent.
 */
export function streamExecOutput(
  reply: FastifyReply,
  shutdownSignal: AbortSignal,
  attach: (wake: () => void) => AttachResult,
): Exclude<AttachResult, { kind: 'attached' }> | null {
  let wake = () => {}
  const attachment = attach(() => wake())
  if (attachment.kind !== 'attached') return attachment
  reply.hijack()
  const { raw } = reply
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value)
  // A proxy that buffers a response would hold up live output.
  raw.writeHead(200, { 'content-type': ndjsonType, 'x-accel-buffering': 'no' })
  raw.flushHeaders()
  wake = startPump(raw, attachment.reader, shutdownSignal)
  return null
}

/** Pumps lines into a response. Returns a function to call when there is more. */
function startPump(response: ServerResponse, reader: OutputReader, shutdownSignal: AbortSignal): () => void {
  let isScheduled = false
  let isStalled = false
  let destroyTimer: NodeJS.Timeout | undefined
  const heartbeat = setInterval(() => {
    if (response.writableLength === 0) response.write('\n')
  }, heartbeatMs).unref()

  function wake() {
    if (isScheduled || isStalled) return
    isScheduled = true
    setImmediate(pump) // collects the output of one event loop turn in few long lines
  }

  function pump() {
    isScheduled = false
    if (response.writableEnded || response.destroyed) return
    while (response.writableLength < maxUnsentBytes) {
      const line = reader.read()
      if (!line) {
        if (reader.isDone()) response.end()
        return
      }
      response.write(line, 'latin1')
    }
    isStalled = true
    response.once('drain', () => {
      isStalled = false
      pump()
    })
  }

  function end() {
    if (!response.writableEnded) response.end()
    destroyTimer = setTimeout(() => response.destroy(), closeGraceMs).unref()
  }

  shutdownSignal.addEventListener('abort', end)
  response.once('close', () => {
    clearInterval(heartbeat)
    clearTimeout(destroyTimer)
    shutdownSignal.removeEventListener('abort', end)
    reader.close()
  })
  if (shutdownSignal.aborted) end()
  else wake()
  return wake
}
