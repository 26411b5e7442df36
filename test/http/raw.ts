import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A connection on which any bytes can be sent. */
export interface Raw {
  readonly socket: Socket
  send(bytes: string | Uint8Array): void
  /** Everything that was received so far, once it has this in it, or once the other side has hung up. */
  until(text: string): Promise<string>
  /** Everything that was received, once the other side has hung up. */
  all(): Promise<string>
}

/** Connects to a port of the loopback. */
export async function openRaw(port: number): Promise<Raw> {
  const socket = connect(port, '127.0.0.1')
  let got = ''
  socket.setEncoding('utf8').on('data', (text) => {
    got += String(text)
  })
  socket.on('error', () => {}) // being cut off is an end like any other
  onTestFinished(() => void socket.destroy())
  await new Promise((resolve) => socket.once('connect', resolve))
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const more = () => Promise.race([closed, new Promise((resolve) => socket.once('data', resolve))])
  return {
    socket,
    send: (bytes) => void socket.write(bytes),
    async until(text) {
      while (!got.includes(text) && !socket.closed) await more()
      return got
    },
    async all() {
      await closed
      return got
    },
  }
}

/** The status and the body of the last answer in what was received. */
export function answerIn(got: string): { status: number; headers: string; body: string } {
  const last = got.slice(got.lastIndexOf('HTTP/1.1 '))
  const [headers = '', ...body] = last.split('\r\n\r\n')
  return { status: Number(headers.split(' ')[1]), headers, body: body.join('\r\n\r\n') }
}
