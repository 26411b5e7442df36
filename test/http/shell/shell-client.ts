import type { IncomingMessage } from 'node:http'
import headless from '@xterm/headless'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import type { ShellServerMessage } from '../../../src/wire/runtime/shell.ts'
import { shellServerMessageSchema } from '../../../src/wire/runtime/shell.ts'

/** A WebSocket client of a shell, independent of the client in `src`. */
export interface ShellClient {
  readonly socket: WebSocket
  /** All output received so far. */
  received(): string
  /** The active screen buffer. */
  screen(): 'normal' | 'alternate'
  readonly notices: readonly ShellServerMessage[]
  type(text: string): void
  resize(columns: number, rows: number): void
  /** Waits until the screen or its scrollback matches. */
  waitForScreen(pattern: RegExp): Promise<void>
  /** Waits for a notice of a type. */
  waitForNotice<T extends ShellServerMessage['type']>(type: T): Promise<Extract<ShellServerMessage, { type: T }>>
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
}

export interface ShellOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
}

/** Opens a shell, by default as `alice`, and waits for its first message. Rejects if the shell is refused. */
export async function openShell(port: number, id: string, options: ShellOptions = {}): Promise<ShellClient> {
  const socket = openSocket(port, id, options)
  const client = shellClient(socket)
  await new Promise((resolve, reject) => {
    socket.once('message', resolve)
    socket.once('error', reject)
  })
  return client
}

/** The HTTP response that refuses a shell before the upgrade to a WebSocket. */
export async function refusedShell(
  port: number,
  id: string,
  options: ShellOptions = {},
): Promise<{ status: number; body: unknown }> {
  const socket = openSocket(port, id, options)
  return new Promise((resolve, reject) => {
    socket.once('open', () => reject(new Error('the shell was opened')))
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
  socket.on('error', () => {}) // a close follows
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
