import { Readable } from 'node:stream'
import type { RunEnd } from '../../workspace/run.ts'
import type { Run } from '../inside.ts'
import { abandon } from './files-run.ts'

const mostStderr = 8_192
const headerBytes = 512

/** What a script writes: a line about it, and then bytes. */
export interface Opened {
  /** `null`: it ended without one. */
  readonly line: string | null
  /** Fails unless the script comes to a good end, in the words of `why`. To be read once. */
  readonly bytes: AsyncGenerator<Buffer>
  stderr(): string
}

/** Reads a script's first line. `why` says what is wrong with the way it ended; `null`: nothing. */
export async function opened(
  run: Run,
  why: (end: RunEnd, stderr: string) => string | null,
  signal: AbortSignal,
): Promise<Opened> {
  let stderr = ''
  async function* stdout(): AsyncGenerator<Buffer> {
    for await (const { stream, bytes } of run.output) {
      if (stream === 'stdout') yield bytes
      else stderr = (stderr + bytes.toString()).slice(-mostStderr)
    }
    const wrong = why(await run.ended, stderr)
    if (wrong !== null) throw new Error(wrong)
  }
  async function* after(first: Buffer): AsyncGenerator<Buffer> {
    if (first.length > 0) yield first
    yield* pieces
  }

  const giveUp = (): void => void abandon(run)
  signal.addEventListener('abort', giveUp, { once: true })
  const pieces = stdout()
  const head: Buffer[] = []
  try {
    for (let got = await pieces.next(); !got.done; got = await pieces.next()) {
      const end = got.value.indexOf('\n')
      head.push(end === -1 ? got.value : got.value.subarray(0, end))
      if (end === -1) continue
      return { line: Buffer.concat(head).toString(), bytes: after(got.value.subarray(end + 1)), stderr: () => stderr }
    }
  } catch {
    // How it ended is known by whoever asks, and there is no line.
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
  return { line: null, bytes: pieces, stderr: () => stderr }
}

/** As many bytes as were said: a file may grow while it is read. Fails if there are fewer. */
export async function* exactly(bytes: AsyncIterable<Buffer>, count: number): AsyncGenerator<Buffer> {
  let left = count
  for await (const piece of bytes) {
    if (left === 0) return
    const wanted = piece.subarray(0, left)
    left -= wanted.length
    yield wanted
  }
  if (left > 0) throw new Error('The file became shorter while it was read.')
}

/** A tar stream without the entry of the directory that was packed, which comes first. */
export async function* withoutRoot(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let head: Buffer | null = Buffer.alloc(0)
  for await (const piece of bytes) {
    if (head === null) {
      yield piece
      continue
    }
    head = Buffer.concat([head, piece])
    if (head.length < headerBytes) continue
    const rest: Buffer = /^\.\/?\0/.test(head.toString('latin1', 0, 3)) ? head.subarray(headerBytes) : head
    head = null
    if (rest.length > 0) yield rest
  }
  if (head !== null && head.length > 0) yield head
}

/** The stream of what a script writes. It ends the script if it is destroyed, and is when `signal` is aborted. */
export function streamOf(run: Run, bytes: AsyncGenerator<Buffer>, signal: AbortSignal): Readable {
  const stream = new Readable({
    read() {
      bytes.next().then(
        (got) => stream.push(got.done === true ? null : got.value),
        (error: unknown) => stream.destroy(error instanceof Error ? error : new Error(String(error))),
      )
    },
    destroy(error, gone) {
      signal.removeEventListener('abort', breakOff)
      void abandon(run)
      gone(error)
    },
  })
  const breakOff = (): void => void stream.destroy(new Error('Nobody waits for it any more.'))
  signal.addEventListener('abort', breakOff, { once: true })
  if (signal.aborted) breakOff()
  return stream
}
