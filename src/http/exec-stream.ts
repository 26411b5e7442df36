import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import type { Attached, OutputReader } from '../access/output-readers.ts'

/** Proxies close what is silent, mostly after a minute. */
const heartbeatMs = 20_000
/** So much may be on its way to a reader; what he has not taken beyond that is his lag. */
const mostUnsent = 256 * 1024
/** Whoever does not read when the service ends will not be waited for any longer. */
const lastReadMs = 1000

export const execType = 'application/x-ndjson'

/**
 * Answers with the lines of a reader as they come and are taken, until he has all, leaves, or the service ends: then without a last line.
 * What is no reader is answered back, and nothing was sent.
 */
export function sendLines(
  reply: FastifyReply,
  ending: AbortSignal,
  attach: (wake: () => void) => Attached,
): Exclude<Attached, { kind: 'attached' }> | null {
  let wake = () => {}
  const attached = attach(() => wake())
  if (attached.kind !== 'attached') return attached
  reply.hijack()
  const { raw } = reply
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value)
  // A proxy that collects an answer before it passes it on would hold up what is to be live.
  raw.writeHead(200, { 'content-type': execType, 'x-accel-buffering': 'no' })
  raw.flushHeaders()
  wake = pumping(raw, attached.reader, ending)
  return null
}

/** Answers what is to be called when there is more. */
function pumping(response: ServerResponse, reader: OutputReader, ending: AbortSignal): () => void {
  let awake = false
  let stalled = false
  const heart = setInterval(() => {
    if (response.writableLength === 0) response.write('\n')
  }, heartbeatMs).unref()

  function wake() {
    if (awake || stalled) return
    awake = true
    setImmediate(pump) // what comes in one turn is few long lines then
  }

  function pump() {
    awake = false
    if (response.writableEnded || response.destroyed) return
    while (response.writableLength < mostUnsent) {
      const line = reader.read()
      if (!line) {
        if (reader.over()) response.end()
        return
      }
      response.write(line, 'latin1')
    }
    stalled = true
    response.once('drain', () => {
      stalled = false
      pump()
    })
  }

  function end() {
    if (!response.writableEnded) response.end()
    setTimeout(() => response.destroy(), lastReadMs).unref()
  }

  ending.addEventListener('abort', end)
  response.once('close', () => {
    clearInterval(heart)
    ending.removeEventListener('abort', end)
    reader.close()
  })
  if (ending.aborted) end()
  else wake()
  return wake
}
