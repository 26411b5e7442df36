import { closeSync, readSync, writeSync } from 'node:fs'
import { Readable, Writable } from 'node:stream'
import { ReadStream } from 'node:tty'
import { ok, type Outcome } from '../../../workspace/fault.ts'
import type { TerminalSize } from '../../../workspace/guest-process.ts'
import { type SpawnRequest, type LocalProcess, spawnChild } from './spawn-child.ts'
import {
  unregisterTerminalDescriptor,
  registerTerminalDescriptor,
  stdioWithoutTerminals,
} from '../host/terminal-descriptors.ts'
import { loadPty, type Pty } from './pty.ts'
import { processOutput } from './process-output.ts'
import { systemErrorCode } from '../host/system-error.ts'

// A session leader gets the first terminal that it opens as its controlling terminal. Inherited descriptors would not do.
const attachScript = 'exec <>"$1" >&0 2>&1 || exit 126; shift; exec "$@"'
const endOfInput = Buffer.from([4])
/** More than a terminal buffers: what comes beyond this is from background children. */
const maxTerminalBufferBytes = 1024 * 1024
const retryMs = 5

/** Starts a command in a terminal of its own, which hangs up when the service dies. `permanent` if node-pty is missing. */
export async function spawnInTerminal(
  request: SpawnRequest,
  { columns, rows }: TerminalSize,
): Promise<Outcome<LocalProcess>> {
  const ptyResult = await loadPty()
  if (!ptyResult.ok) return ptyResult
  const pty = ptyResult.value
  const { master, slave, path } = pty.open(columns, rows)
  // The slave stays open here too: libuv takes a hang-up for the end of the output, and would lose the last bytes.
  for (const descriptor of [master, slave]) registerTerminalDescriptor(descriptor)
  const streams = terminalStreams(master)
  function close(): void {
    streams.close()
    closeSync(slave)
    for (const descriptor of [master, slave]) unregisterTerminalDescriptor(descriptor)
  }
  const child = await spawnChild(
    {
      ...request,
      argv: ['/bin/sh', '-c', attachScript, 'sh', path, ...request.argv],
      env: { TERM: 'xterm-256color', ...request.env },
    },
    stdioWithoutTerminals(['ignore', 'ignore', 'ignore']),
  )
  if (!child.ok) {
    close()
    return child
  }
  const { process, pid, exited } = child.value
  void exited.then(() => {
    streams.finish()
    close()
  })
  const { output, detach } = processOutput([{ stream: 'stdout', readable: streams.output }], exited)
  return ok({
    pid,
    output,
    stdin: streams.input,
    exited,
    resize: (newColumns, newRows) => resize(pty, streams, newColumns, newRows),
    detach: () => {
      process.unref()
      streams.unref()
      detach()
    },
  })
}

interface TerminalStreams {
  readonly output: Readable
  readonly input: Writable
  /** The master's descriptor; `null` once it is closed, since the number may then be another file's. */
  descriptor(): number | null
  /** Reads what the terminal still buffers, and ends the output. */
  finish(): void
  close(): void
  unref(): void
}

function terminalStreams(master: number): TerminalStreams {
  const stream = new ReadStream(master, { allowHalfOpen: true })
  let readRequested = false
  const output = new Readable({
    read: () => {
      readRequested = true
      pump()
    },
  })
  function pump(): void {
    while (readRequested) {
      const bytes: unknown = stream.read()
      if (!Buffer.isBuffer(bytes)) return
      readRequested = output.push(bytes)
    }
  }
  stream.on('readable', pump)
  stream.on('error', () => undefined)
  const descriptor = () => (stream.destroyed ? null : master)

  const input = new Writable({
    write: (bytes: Buffer, _encoding, onWritten) => writeInput(bytes, onWritten),
    final: (onWritten) => writeInput(endOfInput, onWritten),
  })
  // Not through the stream, which blocks the whole service while the command does not read.
  function writeInput(bytes: Buffer, onWritten: () => void): void {
    const openDescriptor = descriptor()
    if (openDescriptor === null) return onWritten()
    try {
      const written = writeSync(openDescriptor, bytes)
      if (written === bytes.length) return onWritten()
      writeInput(bytes.subarray(written), onWritten)
    } catch (error) {
      if (systemErrorCode(error) !== 'EAGAIN') return onWritten()
      setTimeout(() => writeInput(bytes, onWritten), retryMs).unref()
    }
  }

  function finish(): void {
    for (let remainingBytes = maxTerminalBufferBytes; remainingBytes > 0; ) {
      const buffered: unknown = stream.read()
      const bytes = Buffer.isBuffer(buffered) ? buffered : readAvailable(descriptor())
      if (bytes === null) break
      output.push(bytes)
      remainingBytes -= bytes.length
    }
    output.push(null)
  }

  return {
    output,
    input,
    descriptor,
    finish,
    close: () => {
      readRequested = false
      stream.destroy()
    },
    unref: () => stream.unref(),
  }
}

/** What a terminal has buffered now; `null` if that is nothing. */
function readAvailable(descriptor: number | null): Buffer | null {
  if (descriptor === null) return null
  const bytes = Buffer.alloc(65_536)
  try {
    const count = readSync(descriptor, bytes)
    return count === 0 ? null : bytes.subarray(0, count)
  } catch {
    return null // Nothing is buffered (EAGAIN), or no writer is left (EIO).
  }
}

function resize(pty: Pty, streams: TerminalStreams, columns: number, rows: number): void {
  const openDescriptor = streams.descriptor()
  if (openDescriptor !== null) pty.resize(openDescriptor, columns, rows)
}
