import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A TCP connection that can send arbitrary bytes. */
export interface RawConnection {
  readonly socket: Socket
  send(bytes: string | Uint8Array): void
  /** Everything received so far, once it contains `text` or the server has closed the connection. */
  waitFor(text: string): Promise<string>
  /** Everything received, once the server has closed the connection. */
  receiveAll(): Promise<string>
}

/** Connects to a port on the loopback interface. */
export async function openRawConnection(port: number): Promise<RawConnection> {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.setEncoding('utf8').on('data', (text) => {
    received += String(text)
  })
  socket.on('error', () => {}) // a reset counts as a close
  onTestFinished(() => void socket.destroy())
  await new Promise((resolve) => socket.once('connect', resolve))
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const nextChunk = () => Promise.race([closed, new Promise((resolve) => socket.once('data', resolve))])
  return {
    socket,
    send: (bytes) => void socket.write(bytes),
    async waitFor(text) {
      while (!received.includes(text) && !socket.closed) await nextChunk()
      return received
    },
    async receiveAll() {
      await closed
      return received
    },
  }
}

/** The last response in the received text. */
export function lastResponseIn(received: string): { status: number; headers: string; body: string } {
  const last = received.slice(received.lastIndexOf('HTTP/1.1 '))
  const [headers = '', ...body] = last.split('\r\n\r\n')
  return { status: Number(headers.split(' ')[1]), headers, body: body.join('\r\n\r\n') }
}
