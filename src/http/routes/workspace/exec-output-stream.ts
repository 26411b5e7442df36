import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import type { AttachResult, OutputReader } from '../../../runtime/exec/output-readers.ts'

/** Proxies close what is silent, mostly after a minute. */
const heartbeatMs = 20_000
/** So much may be on its way to a reader; what he has not taken beyond that is his lag. */
const maxUnsentBytes = 256 * 1024
/** Whoever does not read when the service ends will not be waited for any longer. */
const closeGraceMs = 1000

export const ndjsonType = 'application/x-ndjson'

/**
 * Answers with the lines of a reader as they come and are taken, until he has all, leaves, or the service ends: then without a last line.
 * What is no reader is answered back, and nothing was sent.
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
  // A proxy that collects an answer before it passes it on would hold up what is to be live.
  raw.writeHead(200, { 'content-type': ndjsonType, 'x-accel-buffering': 'no' })
  raw.flushHeaders()
  wake = startPump(raw, attachment.reader, shutdownSignal)
  return null
}

/** Answers what is to be called when there is more. */
function startPump(response: ServerResponse, reader: OutputReader, shutdownSignal: AbortSignal): () => void {
  let isScheduled = false
  let isStalled = false
  const heartbeat = setInterval(() => {
    if (response.writableLength === 0) response.write('\n')
  }, heartbeatMs).unref()

  function wake() {
    if (isScheduled || isStalled) return
    isScheduled = true
    setImmediate(pump) // what comes in one turn is few long lines then
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
    setTimeout(() => response.destroy(), closeGraceMs).unref()
  }

  shutdownSignal.addEventListener('abort', end)
  response.once('close', () => {
    clearInterval(heartbeat)
    shutdownSignal.removeEventListener('abort', end)
    reader.close()
  })
  if (shutdownSignal.aborted) end()
  else wake()
  return wake
}
