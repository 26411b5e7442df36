import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** A TCP proxy to a port. `cut` destroys its connections; new ones are accepted. */
export async function flakyConnection(port: number) {
  const sockets = new Set<Socket>()
  const server = createServer((downstream) => {
    const upstream = connect(port, '127.0.0.1')
    for (const [socket, peer] of [
      [downstream, upstream],
      [upstream, downstream],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        peer.destroy()
      })
    }
    downstream.pipe(upstream).pipe(downstream)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  onTestFinished(() => {
    server.close()
    cut()
  })
  const { port: proxyPort } = server.address() as AddressInfo
  return { port: proxyPort, cut }
}
