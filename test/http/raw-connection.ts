import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A connection on which any bytes can be sent. */
export interface RawConnection {
  readonly socket: Socket
  send(bytes: string | Uint8Array): void
  /** Everything that was received so far, once it has this in it, or once the other side has hung up. */
  waitFor(text: string): Promise<string>
  /** Everything that was received, once the other side has hung up. */
  receiveAll(): Promise<string>
}

/** Connects to a port of the loopback. */
export async function openRawConnection(port: number): Promise<RawConnection> {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.setEncoding('utf8').on('data', (text) => {
    received += String(text)
  })
  socket.on('error', () => {}) // being cut off is an end like any other
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

/** The status and the body of the last answer in what was received. */
export function lastResponseIn(received: string): { status: number; headers: string; body: string } {
  const last = received.slice(received.lastIndexOf('HTTP/1.1 '))
  const [headers = '', ...body] = last.split('\r\n\r\n')
  return { status: Number(headers.split(' ')[1]), headers, body: body.join('\r\n\r\n') }
}
