import { styleText } from 'node:util'
import type { CliEnvironment } from '../cli-environment.ts'
import { truncateText } from './table.ts'

/** Returns to the start of the line, and erases it. */
const clearLine = '\r\u001b[K'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'
export type Paint = (style: Style, text: string) => string

export type CliOutput = ReturnType<typeof cliOutput>

/** The output of a command: results on stdout, everything else on stderr. */
export function cliOutput({ env, stdout, stderr }: Pick<CliEnvironment, 'env' | 'stdout' | 'stderr'>) {
  const stdoutClosed = new AbortController()
  for (const stream of [stdout, stderr])
    stream.on('error', () => {
      if (stream === stdout) stdoutClosed.abort()
    })

  const painterFor =
    (stream: { readonly isTTY?: boolean }): Paint =>
    (style, text) =>
      stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
        ? styleText(style, text, { validateStream: false })
        : text

  let hasTransientLine = false

  return {
    isTerminal: stdout.isTTY ?? false,
    isStderrTerminal: stderr.isTTY ?? false,
    /** The width of stdout; `null` if it is not a terminal. */
    columns: stdout.isTTY ? stdout.columns || 80 : null,
    /** Aborted once the reader of stdout has closed it. */
    stdoutClosed: stdoutClosed.signal,
    paint: painterFor(stdout),
    paintStatus: painterFor(stderr),
    printLine: (text: string) => void stdout.write(`${text}\n`),
    printJson: (value: unknown) => void stdout.write(`${JSON.stringify(value, null, stdout.isTTY ? 2 : 0)}\n`),
    /** A line of an NDJSON stream. */
    printJsonLine: (value: unknown) => write(stdout, `${JSON.stringify(value)}\n`),
    printStatus(text: string) {
      stderr.write(`${hasTransientLine ? clearLine : ''}${text}\n`)
      hasTransientLine = false
    },
    /** Shows a line on stderr until the next output replaces it. Does nothing without a terminal. */
    showTransient(text: string) {
      if (stderr.isTTY && (hasTransientLine || text !== ''))
        stderr.write(clearLine + truncateText(text, (stderr.columns || 80) - 1))
      hasTransientLine = text !== ''
    },
    /** Writes output of a workspace. Resolves when more may be written. */
    writeBytes: (target: 'stdout' | 'stderr', bytes: Uint8Array | string) =>
      write(target === 'stdout' ? stdout : stderr, bytes),
    /** Resolves when all output is written, or its reader is gone. */
    async flush() {
      await Promise.all([stdout, stderr].map((stream) => write(stream, '', true)))
    },
  }
}

function write(stream: NodeJS.WritableStream, data: Uint8Array | string, untilFlushed = false): Promise<void> {
  return new Promise((resolve) => {
    const hasCapacity = stream.write(data, () => resolve())
    if (hasCapacity && !untilFlushed) resolve()
  })
}
