import { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { done, fault, type Outcome } from '../../workspace/fault.ts'
import type { Subject } from '../../workspace/subject.ts'
import type { LogPiece, LogWish } from '../inside.ts'
import { demultiplex } from './demultiplex.ts'
import type { Engine } from './engine.ts'
import { lookAtOwn } from './look.ts'

/** What the main process of the subject's container wrote, as `Inside.logs` promises. The container need not run. */
export async function logs(
  engine: Engine,
  installation: string,
  subject: Subject,
  { since, tail, follow }: LogWish,
  signal: AbortSignal,
): Promise<Outcome<AsyncIterable<LogPiece>>> {
  const id = subject.containerId
  if (id === null) return fault('gone', 'The workspace has no container.')
  const looked = await lookAtOwn(engine, { installation, workspace: subject.id }, id, signal)
  if (!looked.ok) return looked
  const opened = await engine.ask(
    {
      what: "read the container's log",
      withinMs: engine.deadlines.read,
      long: true,
      run: async (docker, abortSignal) => {
        const stream = await openLog(docker, abortSignal, id, {
          stdout: true,
          stderr: true,
          timestamps: true,
          follow,
          tail: tail ?? 'all',
          ...(since !== null && { since: since / 1000 }),
        })
        if (!(stream instanceof Readable)) throw new TypeError('the engine client gave no readable stream')
        return stream
      },
    },
    signal,
  )
  return opened.ok ? done(pieces(opened.value, signal)) : opened
}

/** The client's own call holds all of a log in memory unless it follows it. */
function openLog(docker: Docker, abortSignal: AbortSignal, id: string, options: object): Promise<unknown> {
  const client: { dial(options: object, heard: (error: unknown, answer: unknown) => void): void } = docker.modem
  const statusCodes = { 200: true, 404: 'no such container', 500: 'server error' }
  const request = { path: `/containers/${id}/logs?`, method: 'GET', isStream: true, abortSignal, statusCodes, options }
  return new Promise((resolve, reject) => {
    client.dial(request, (error, answer) => {
      if (error instanceof Error) reject(error)
      else resolve(answer)
    })
  })
}

async function* pieces(stream: Readable, signal: AbortSignal): AsyncGenerator<LogPiece> {
  let ready: LogPiece[] = []
  let stamp = ''
  let stamped = false
  const split = demultiplex((name, bytes, begins) => {
    if (begins) {
      stamp = ''
      stamped = false
    }
    // A frame is a line, or 16 kB of one, and begins with its time and a blank.
    const end = stamped ? 0 : bytes.indexOf(' ') + 1
    if (!stamped) stamp += bytes.toString('latin1', 0, end === 0 ? bytes.length : end)
    if (!stamped && end === 0) return
    stamped = true
    const at = Date.parse(stamp.trim())
    if (end < bytes.length) ready.push({ stream: name, bytes: bytes.subarray(end), at: Number.isNaN(at) ? null : at })
  })
  const leave = (): void => void stream.destroy()
  signal.addEventListener('abort', leave, { once: true })
  if (signal.aborted) leave()
  try {
    for await (const chunk of stream) {
      ready = []
      if (Buffer.isBuffer(chunk)) split(chunk)
      yield* ready
    }
  } catch {
    // The engine is away, or nobody listens any more: either ends the log.
  } finally {
    signal.removeEventListener('abort', leave)
    leave()
  }
}
