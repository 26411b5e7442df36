import { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { WorkspaceRef } from '../../../workspace/workspace-ref.ts'
import type { LogChunk, LogOptions } from '../../guest.ts'
import { demultiplex } from '../engine/demultiplex.ts'
import type { Engine } from '../engine/engine.ts'
import { inspectOwnContainer } from '../observe/inspect.ts'

/** The output of the container's main process, running or not. Implements `Guest.logs`. */
export async function logs(
  engine: Engine,
  { id: workspaceId, containerId }: WorkspaceRef,
  { since, tail, follow }: LogOptions,
  signal: AbortSignal,
): Promise<Outcome<AsyncIterable<LogChunk>>> {
  if (containerId === null) return fault('missing', 'The workspace has no container.')
  const inspection = await inspectOwnContainer(engine, { workspaceId, containerId }, signal)
  if (!inspection.ok) return inspection
  const logStream = await engine.request(
    {
      action: "read the container's log",
      timeoutMs: engine.timeouts.readMs,
      longRunning: true,
      run: async (docker, abortSignal) => {
        const stream = await openLogStream(docker, abortSignal, containerId, {
          stdout: true,
          stderr: true,
          timestamps: true,
          follow,
          tail: tail ?? 'all',
          ...(since !== null && { since: since / 1000 }),
        })
        if (!(stream instanceof Readable)) throw new TypeError('dockerode did not return a readable stream')
        return stream
      },
    },
    signal,
  )
  return logStream.ok ? ok(logChunks(logStream.value, signal)) : logStream
}

/** Bypasses dockerode's own call, which buffers the whole log in memory unless it follows. */
function openLogStream(
  docker: Docker,
  abortSignal: AbortSignal,
  containerId: string,
  options: object,
): Promise<unknown> {
  const client: { dial(options: object, callback: (error: unknown, response: unknown) => void): void } = docker.modem
  const statusCodes = { 200: true, 404: 'no such container', 500: 'server error' }
  const request = {
    path: `/containers/${containerId}/logs?`,
    method: 'GET',
    isStream: true,
    abortSignal,
    statusCodes,
    options,
  }
  return new Promise((resolve, reject) => {
    client.dial(request, (error, response) => {
      if (error instanceof Error) reject(error)
      else resolve(response)
    })
  })
}

async function* logChunks(stream: Readable, signal: AbortSignal): AsyncGenerator<LogChunk> {
  let pendingChunks: LogChunk[] = []
  let timestamp = ''
  let hasTimestamp = false
  const demultiplexChunk = demultiplex((streamName, bytes, startsFrame) => {
    if (startsFrame) {
      timestamp = ''
      hasTimestamp = false
    }
    // A frame holds one line, or 16 kB of one, and starts with a timestamp and a space.
    const timestampEnd = hasTimestamp ? 0 : bytes.indexOf(' ') + 1
    if (!hasTimestamp) timestamp += bytes.toString('latin1', 0, timestampEnd === 0 ? bytes.length : timestampEnd)
    if (!hasTimestamp && timestampEnd === 0) return
    hasTimestamp = true
    const at = Date.parse(timestamp.trim())
    if (timestampEnd < bytes.length)
      pendingChunks.push({ stream: streamName, bytes: bytes.subarray(timestampEnd), at: Number.isNaN(at) ? null : at })
  })
  const closeStream = (): void => void stream.destroy()
  signal.addEventListener('abort', closeStream, { once: true })
  if (signal.aborted) closeStream()
  try {
    for await (const chunk of stream) {
      pendingChunks = []
      if (Buffer.isBuffer(chunk)) demultiplexChunk(chunk)
      yield* pendingChunks
    }
  } catch {
    // The engine is unavailable or the reader is gone: either ends the log.
  } finally {
    signal.removeEventListener('abort', closeStream)
    closeStream()
  }
}
