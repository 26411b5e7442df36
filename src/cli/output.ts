import { styleText } from 'node:util'
import type { Surroundings } from './surroundings.ts'
import { cutTo } from './table.ts'

/** The beginning of a line that is empty now. */
const clear = '\r\u001b[K'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'
export type Paint = (style: Style, text: string) => string

export type Output = ReturnType<typeof openOutput>

/** What a command prints: answers on stdout, everything else on stderr. */
export function openOutput({ env, stdout, stderr }: Pick<Surroundings, 'env' | 'stdout' | 'stderr'>) {
  const gone = new AbortController()
  for (const stream of [stdout, stderr])
    stream.on('error', () => {
      if (stream === stdout) gone.abort()
    })

  const painting =
    (stream: { readonly isTTY?: boolean }): Paint =>
    (style, text) =>
      stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
        ? styleText(style, text, { validateStream: false })
        : text

  let isPassing = false

  return {
    /** Is there somebody who reads stdout? */
    isTerminal: stdout.isTTY ?? false,
    /** Is there somebody who reads stderr? */
    isWatched: stderr.isTTY ?? false,
    /** The width of the terminal that stdout is; `null`: it is none. */
    columns: stdout.isTTY ? stdout.columns || 80 : null,
    /** Aborted once whoever read stdout has gone. */
    gone: gone.signal,
    paint: painting(stdout),
    paintNote: painting(stderr),
    say: (text: string) => void stdout.write(`${text}\n`),
    json: (value: unknown) => void stdout.write(`${JSON.stringify(value, null, stdout.isTTY ? 2 : 0)}\n`),
    /** A line of a stream of JSON. */
    jsonLine: (value: unknown) => write(stdout, `${JSON.stringify(value)}\n`),
    note(text: string) {
      stderr.write(`${isPassing ? clear : ''}${text}\n`)
      isPassing = false
    },
    /** In the place of the last line, without an end: for what changes. Nothing without a terminal. */
    passing(text: string) {
      if (stderr.isTTY && (isPassing || text !== '')) stderr.write(clear + cutTo(text, (stderr.columns || 80) - 1))
      isPassing = text !== ''
    },
    /** Bytes of somebody else's. Resolves when more may be written. */
    bytes: (to: 'stdout' | 'stderr', bytes: Uint8Array | string) => write(to === 'stdout' ? stdout : stderr, bytes),
    /** Resolves when all is written, or nobody reads it. */
    async flushed() {
      await Promise.all([stdout, stderr].map((stream) => write(stream, '', true)))
    },
  }
}

function write(stream: NodeJS.WritableStream, data: Uint8Array | string, wholly = false): Promise<void> {
  return new Promise((resolve) => {
    const takesMore = stream.write(data, () => resolve())
    if (takesMore && !wholly) resolve()
  })
}
