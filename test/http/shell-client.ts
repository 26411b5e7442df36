import type { IncomingMessage } from 'node:http'
import headless from '@xterm/headless'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import type { ShellNotice } from '../../src/wire/shell.ts'
import { shellNotice } from '../../src/wire/shell.ts'

/** A client of a shell as somebody else would write it. */
export interface ShellClient {
  readonly socket: WebSocket
  /** What was written, as it came. */
  written(): string
  /** Which screen a program has. */
  screen(): 'normal' | 'alternate'
  readonly notices: readonly ShellNotice[]
  type(text: string): void
  resize(columns: number, rows: number): void
  /** Waits until this is to be seen, with what has left the screen at its top. */
  shows(what: RegExp): Promise<void>
  /** Waits for a notice. */
  told<T extends ShellNotice['type']>(type: T): Promise<Extract<ShellNotice, { type: T }>>
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
}

export interface Way {
  readonly headers?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
}

/** Opens a shell as `alice`, and answers when it is there; refused is an error. */
export async function shellOf(port: number, id: string, way: Way = {}): Promise<ShellClient> {
  const socket = open(port, id, way)
  const client = clientOf(socket)
  await new Promise((resolve, reject) => {
    socket.once('message', resolve)
    socket.once('error', reject)
  })
  return client
}

/** What a shell that is not opened is refused with, before the connection is a WebSocket. */
export async function refusalOf(port: number, id: string, way: Way = {}): Promise<{ status: number; body: unknown }> {
  const socket = open(port, id, way)
  return new Promise((resolve, reject) => {
    socket.once('open', () => reject(new Error('it was opened')))
    socket.once('unexpected-response', (_request, response: IncomingMessage) => {
      let text = ''
      response.on('data', (piece: Buffer) => (text += piece.toString()))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }))
    })
  })
}

function open(port: number, id: string, { headers = { 'x-user': 'alice' }, query = {} }: Way): WebSocket {
  const search = new URLSearchParams(query).toString()
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/workspaces/${id}/shell?${search}`, { headers })
  socket.on('error', () => {}) // told by the close that follows
  onTestFinished(() => socket.terminate())
  return socket
}

function clientOf(socket: WebSocket): ShellClient {
  const bytes: Buffer[] = []
  const notices: ShellNotice[] = []
  const written = () => Buffer.concat(bytes).toString()
  const { columns: cols = 80, rows = 24 } = Object.fromEntries(
    [...new URL(socket.url).searchParams].map(([name, value]) => [name, Number(value)]),
  )
  const terminal = new headless.Terminal({ cols, rows, allowProposedApi: true })
  const seen = () => {
    const { active } = terminal.buffer
    return Array.from({ length: active.length }, (_, row) => active.getLine(row)?.translateToString(true)).join('\n')
  }
  let heard = () => {}
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (isBinary) {
      bytes.push(data)
      terminal.write(data, () => heard())
    } else notices.push(shellNotice.parse(JSON.parse(data.toString())))
    heard()
  })
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code: number, reason: Buffer) => resolve({ code, reason: reason.toString() }))
  })

  async function until<T>(what: string, find: () => T | undefined): Promise<T> {
    for (;;) {
      const found = find()
      if (found !== undefined) return found
      const more = new Promise<true>((resolve) => (heard = () => resolve(true)))
      const over = closed.then(({ code, reason }) => `${code} ${reason}`)
      const next = await Promise.race([more, over])
      if (next === true) continue
      await new Promise<void>((resolve) => terminal.write('', resolve))
      if (find() === undefined)
        throw new Error(`closed (${next}) without ${what}: ${seen()} ${JSON.stringify(notices)}`)
    }
  }

  return {
    socket,
    written,
    screen: () => terminal.buffer.active.type,
    notices,
    type: (text) => socket.send(Buffer.from(text)),
    resize: (columns, rows) => socket.send(JSON.stringify({ type: 'resize', columns, rows })),
    shows: async (what) => void (await until(String(what), () => what.exec(seen())?.[0])),
    told: (type) =>
      until(type, () =>
        notices.find((notice): notice is Extract<ShellNotice, { type: typeof type }> => notice.type === type),
      ),
    closed,
  }
}
