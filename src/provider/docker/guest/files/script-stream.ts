import { Readable } from 'node:stream'
import type { ProcessExit } from '../../../../workspace/guest-process.ts'
import type { GuestProcess } from '../../../guest.ts'
import { killProcess } from './run-script.ts'

const maxStderrBytes = 8_192
const tarHeaderBytes = 512

/** What a script writes: a line about it, and then bytes. */
export interface ScriptStream {
  /** `null`: it ended without one. */
  readonly firstLine: string | null
  /** Fails unless the script comes to a good end, in the words of `why`. To be read once. */
  readonly bytes: AsyncGenerator<Buffer>
  stderr(): string
}

/** Reads a script's first line. `why` says what is wrong with the way it ended; `null`: nothing. */
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
  async function* remainingBytes(rest: Buffer): AsyncGenerator<Buffer> {
    if (rest.length > 0) yield rest
    yield* chunks
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
        bytes: remainingBytes(result.value.subarray(newline + 1)),
        stderr: () => stderr,
      }
    }
  } catch {
    // How it ended is known by whoever asks, and there is no line.
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
  return { firstLine: null, bytes: chunks, stderr: () => stderr }
}

/** As many bytes as were said: a file may grow while it is read. Fails if there are fewer. */
export async function* takeBytes(bytes: AsyncIterable<Buffer>, byteCount: number): AsyncGenerator<Buffer> {
  let remaining = byteCount
  for await (const chunk of bytes) {
    if (remaining === 0) return
    const slice = chunk.subarray(0, remaining)
    remaining -= slice.length
    yield slice
  }
  if (remaining > 0) throw new Error('The file became shorter while it was read.')
}

/** A tar stream without the entry of the directory that was packed, which comes first. */
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

/** The stream of what a script writes. It ends the script if it is destroyed, and is when `signal` is aborted. */
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
      signal.removeEventListener('abort', onAbort)
      void killProcess(guestProcess)
      callback(error)
    },
  })
  const onAbort = (): void => void stream.destroy(new Error('Nobody waits for it any more.'))
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  return stream
}
