import { closeSync, readSync, writeSync } from 'node:fs'
import { Readable, Writable } from 'node:stream'
import { ReadStream } from 'node:tty'
import { done, type Outcome } from '../../workspace/fault.ts'
import type { TerminalSize } from '../../workspace/run.ts'
import { type Start, type Started, startChild } from './child.ts'
import { dropTerminal, holdTerminal, withoutTerminals } from './open-terminals.ts'
import { loadPty, type Pty } from './pty.ts'
import { runOutput } from './run-output.ts'
import { codeOf } from './system-error.ts'

// A session leader without a terminal gets the first that it opens as its own. The numbers that it inherits would not do: they are ours.
const script = 'exec <>"$1" >&0 2>&1 || exit 126; shift; exec "$@"'
const endOfInput = Buffer.from([4])
/** More than a terminal holds: what comes beyond it is of children in the background. */
const heldBytes = 1024 * 1024
const retryMs = 5

/** Starts a command in a terminal of its own; when the service dies it is hung up. `never` if node-pty is missing. */
export async function startTerminal(start: Start, { columns, rows }: TerminalSize): Promise<Outcome<Started>> {
  const loaded = await loadPty()
  if (!loaded.ok) return loaded
  const pty = loaded.value
  const { master, slave, path } = pty.open(columns, rows)
  // Ours stays open, too: else the last bytes of a command would be lost, since libuv takes a hang-up for the end.
  for (const descriptor of [master, slave]) holdTerminal(descriptor)
  const screen = screenOf(master)
  function close(): void {
    screen.close()
    closeSync(slave)
    for (const descriptor of [master, slave]) dropTerminal(descriptor)
  }
  const child = await startChild(
    {
      ...start,
      argv: ['/bin/sh', '-c', script, 'sh', path, ...start.argv],
      env: { TERM: 'xterm-256color', ...start.env },
    },
    withoutTerminals(['ignore', 'ignore', 'ignore']),
  )
  if (!child.ok) {
    close()
    return child
  }
  const { process, pid, ended } = child.value
  void ended.then(() => {
    screen.finish()
    close()
  })
  const { output, leave } = runOutput([{ stream: 'stdout', readable: screen.output }], ended)
  return done({
    pid,
    output,
    stdin: screen.input,
    ended,
    resize: (toColumns, toRows) => resize(pty, screen, toColumns, toRows),
    leave: () => {
      process.unref()
      screen.unref()
      leave()
    },
  })
}

interface Screen {
  readonly output: Readable
  readonly input: Writable
  /** The terminal's number; `null` once it is closed, and the number may be another file's. */
  descriptor(): number | null
  /** Takes over what the terminal still holds, and ends the output. */
  finish(): void
  close(): void
  unref(): void
}

function screenOf(master: number): Screen {
  const stream = new ReadStream(master, { allowHalfOpen: true })
  let wanted = false
  const output = new Readable({
    read: () => {
      wanted = true
      pump()
    },
  })
  function pump(): void {
    while (wanted) {
      const bytes: unknown = stream.read()
      if (!Buffer.isBuffer(bytes)) return
      wanted = output.push(bytes)
    }
  }
  stream.on('readable', pump)
  stream.on('error', () => undefined)
  const descriptor = () => (stream.destroyed ? null : master)

  const input = new Writable({
    write: (bytes: Buffer, _encoding, taken) => type(bytes, taken),
    final: (taken) => type(endOfInput, taken),
  })
  // Not through the stream: it blocks the whole service while the command does not read.
  function type(bytes: Buffer, taken: () => void): void {
    const to = descriptor()
    if (to === null) return taken()
    try {
      const written = writeSync(to, bytes)
      if (written === bytes.length) return taken()
      type(bytes.subarray(written), taken)
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN') return taken()
      setTimeout(() => type(bytes, taken), retryMs).unref()
    }
  }

  function finish(): void {
    for (let left = heldBytes; left > 0; ) {
      const buffered: unknown = stream.read()
      const bytes = Buffer.isBuffer(buffered) ? buffered : readNow(descriptor())
      if (bytes === null) break
      output.push(bytes)
      left -= bytes.length
    }
    output.push(null)
  }

  return {
    output,
    input,
    descriptor,
    finish,
    close: () => {
      wanted = false
      stream.destroy()
    },
    unref: () => stream.unref(),
  }
}

/** What a terminal holds at this moment; `null` if that is nothing. */
function readNow(descriptor: number | null): Buffer | null {
  if (descriptor === null) return null
  const bytes = Buffer.alloc(65_536)
  try {
    const count = readSync(descriptor, bytes)
    return count === 0 ? null : bytes.subarray(0, count)
  } catch {
    return null // Nothing is there now (EAGAIN), or nobody is left to write (EIO).
  }
}

function resize(pty: Pty, screen: Screen, columns: number, rows: number): void {
  const of = screen.descriptor()
  if (of !== null) pty.resize(of, columns, rows)
}
