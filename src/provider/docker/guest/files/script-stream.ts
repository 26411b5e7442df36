import { Readable } from 'node:stream'
import type { ProcessExit } from '../../../../workspace/guest-process.ts'
import type { GuestProcess } from '../../../guest.ts'
import { killProcess, maxStderrBytes } from './run-script.ts'

const tarHeaderBytes = 512

/** The output of a script: one line, then bytes. */
export interface ScriptStream {
  /** `null` if the script ended without a line. */
  readonly firstLine: string | null
  /** Throws the message of `failureOf` if the script fails. Can be read once. */
  readonly bytes: AsyncGenerator<Buffer>
  stderr(): string
}

/** Reads the first line of a script's output. `failureOf` describes a failed exit; `null` if the exit is good. */
export async function openScriptStream(
  guestProcess: GuestProcess,
  failureOf: (exit: ProcessExit, stderr: string) => string | null,
  signal: AbortSignal,
): Promise<ScriptStream> {
  let stderr = ''
  async function* stdout(): AsyncGenerator<Buffer> {
    for await (const { stream, bytes } of guestProcess.output) {
      if (stream === 'stdout') yield bytes
      else stderr = (stderr + bytes.toString()).slice(-maxStderrBytes)
    }
    const failure = failureOf(await guestProcess.exited, stderr)
    if (failure !== null) throw new Error(failure)
  }

  const onAbort = (): void => void killProcess(guestProcess)
  signal.addEventListener('abort', onAbort, { once: true })
  const chunks = stdout()
  const lineChunks: Buffer[] = []
  try {
    for (let result = await chunks.next(); !result.done; result = await chunks.next()) {
      const newline = result.value.indexOf('\n')
      lineChunks.push(newline === -1 ? result.value : result.value.subarray(0, newline))
      if (newline === -1) continue
      return {
        firstLine: Buffer.concat(lineChunks).toString(),
        bytes: prepend(result.value.subarray(newline + 1), chunks),
        stderr: () => stderr,
      }
    }
  } catch {
    // The caller learns from the exit why there is no line.
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
  return { firstLine: null, bytes: chunks, stderr: () => stderr }
}

async function* prepend(first: Buffer, chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first
  yield* chunks
}

/** Exactly `byteCount` bytes: a file may grow while it is read. Throws if there are fewer. */
export async function* takeBytes(bytes: AsyncIterable<Buffer>, byteCount: number): AsyncGenerator<Buffer> {
  let remaining = byteCount
  for await (const chunk of bytes) {
    if (remaining === 0) return
    const slice = chunk.subarray(0, remaining)
    remaining -= slice.length
    yield slice
  }
  if (remaining > 0) throw new Error('The file was truncated while it was read.')
}

/** A tar stream without its first entry, the packed directory itself. */
export async function* withoutRootEntry(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let head: Buffer | null = Buffer.alloc(0)
  for await (const chunk of bytes) {
    if (head === null) {
      yield chunk
      continue
    }
    head = Buffer.concat([head, chunk])
    if (head.length < tarHeaderBytes) continue
    const rest: Buffer = /^\.\/?\0/.test(head.toString('latin1', 0, 3)) ? head.subarray(tarHeaderBytes) : head
    head = null
    if (rest.length > 0) yield rest
  }
  if (head !== null && head.length > 0) yield head
}

/** Wraps a script's output in a stream. Destroying the stream kills the script; an abort of `signal` destroys it. */
export function scriptReadable(
  guestProcess: GuestProcess,
  bytes: AsyncGenerator<Buffer>,
  signal: AbortSignal,
): Readable {
  const stream = new Readable({
    read() {
      bytes.next().then(
        (result) => stream.push(result.done === true ? null : result.value),
        (error: unknown) => stream.destroy(error instanceof Error ? error : new Error(String(error))),
      )
    },
    destroy(error, callback) {
      void killProcess(guestProcess)
      callback(error)
    },
  })
  const onAbort = (): void => void stream.destroy(new Error('The reader has gone away.'))
  signal.addEventListener('abort', onAbort, { once: true })
  stream.once('close', () => signal.removeEventListener('abort', onAbort))
  if (signal.aborted) onAbort()
  return stream
}
