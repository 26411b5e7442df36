import type { IncomingMessage } from 'node:http'
import headless from '@xterm/headless'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import type { ShellServerMessage } from '../../../src/wire/runtime/shell.ts'
import { shellServerMessageSchema } from '../../../src/wire/runtime/shell.ts'

/** A client of a shell as somebody else would write it. */
export interface ShellClient {
  readonly socket: WebSocket
  /** What was written, as it came. */
  received(): string
  /** Which screen a program has. */
  screen(): 'normal' | 'alternate'
  readonly notices: readonly ShellServerMessage[]
  type(text: string): void
  resize(columns: number, rows: number): void
  /** Waits until this is to be seen, with what has left the screen at its top. */
  waitForScreen(pattern: RegExp): Promise<void>
  /** Waits for a notice. */
  waitForNotice<T extends ShellServerMessage['type']>(type: T): Promise<Extract<ShellServerMessage, { type: T }>>
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
}

export interface ShellOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
}

/** Opens a shell as `alice`, and answers when it is there; refused is an error. */
export async function openShell(port: number, id: string, options: ShellOptions = {}): Promise<ShellClient> {
  const socket = openSocket(port, id, options)
  const client = shellClient(socket)
  await new Promise((resolve, reject) => {
    socket.once('message', resolve)
    socket.once('error', reject)
  })
  return client
}

/** What a shell that is not opened is refused with, before the connection is a WebSocket. */
export async function refusedShell(
  port: number,
  id: string,
  options: ShellOptions = {},
): Promise<{ status: number; body: unknown }> {
  const socket = openSocket(port, id, options)
  return new Promise((resolve, reject) => {
    socket.once('open', () => reject(new Error('it was opened')))
    socket.once('unexpected-response', (_request, response: IncomingMessage) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }))
    })
  })
}

function openSocket(
  port: number,
  id: string,
  { headers = { 'x-user': 'alice' }, query = {} }: ShellOptions,
): WebSocket {
  const search = new URLSearchParams(query).toString()
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/workspaces/${id}/shell?${search}`, { headers })
  socket.on('error', () => {}) // told by the close that follows
  onTestFinished(() => socket.terminate())
  return socket
}

function shellClient(socket: WebSocket): ShellClient {
  const bytes: Buffer[] = []
  const notices: ShellServerMessage[] = []
  const received = () => Buffer.concat(bytes).toString()
  const { columns: cols = 80, rows = 24 } = Object.fromEntries(
    [...new URL(socket.url).searchParams].map(([name, value]) => [name, Number(value)]),
  )
  const terminal = new headless.Terminal({ cols, rows, allowProposedApi: true })
  const screenText = () => {
    const { active } = terminal.buffer
    return Array.from({ length: active.length }, (_, row) => active.getLine(row)?.translateToString(true)).join('\n')
  }
  let wake = () => {}
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (isBinary) {
      bytes.push(data)
      terminal.write(data, () => wake())
    } else notices.push(shellServerMessageSchema.parse(JSON.parse(data.toString())))
    wake()
  })
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code: number, reason: Buffer) => resolve({ code, reason: reason.toString() }))
  })

  async function waitUntil<T>(description: string, find: () => T | undefined): Promise<T> {
    for (;;) {
      const result = find()
      if (result !== undefined) return result
      const nextMessage = new Promise<true>((resolve) => (wake = () => resolve(true)))
      const closedText = closed.then(({ code, reason }) => `${code} ${reason}`)
      const next = await Promise.race([nextMessage, closedText])
      if (next === true) continue
      await new Promise<void>((resolve) => terminal.write('', resolve))
      if (find() === undefined)
        throw new Error(`closed (${next}) without ${description}: ${screenText()} ${JSON.stringify(notices)}`)
    }
  }

  return {
    socket,
    received,
    screen: () => terminal.buffer.active.type,
    notices,
    type: (text) => socket.send(Buffer.from(text)),
    resize: (columns, rows) => socket.send(JSON.stringify({ type: 'resize', columns, rows })),
    waitForScreen: async (pattern) => void (await waitUntil(String(pattern), () => pattern.exec(screenText())?.[0])),
    waitForNotice: (type) =>
      waitUntil(type, () =>
        notices.find((notice): notice is Extract<ShellServerMessage, { type: typeof type }> => notice.type === type),
      ),
    closed,
  }
}
