import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A proxy in front of an engine's socket that can stall or disconnect. */
export interface StallingProxy {
  /** Its address, for `DOCKER_HOST`. */
  readonly host: string
  /** From now on, forwards matching requests to the engine but withholds the responses. */
  stall(pattern: RegExp): void
  /** The request lines of stalled requests. */
  stalled(): readonly string[]
  /** Stops stalling further requests. */
  unstall(): void
  /** Removes the socket and closes all connections. */
  disconnect(): Promise<void>
  /** Opens the socket again. */
  reconnect(): Promise<void>
  close(): Promise<void>
}

/** Starts a proxy for the engine's socket at `engine`. */
export async function stallingProxy(engine: string): Promise<StallingProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'vm-api-proxy-'))
  const path = join(folder, 'docker.sock')
  const sockets = new Set<Socket>()
  const stalledRequests: string[] = []
  let pattern: RegExp | undefined
  let server: Server | undefined

  function handleClient(client: Socket) {
    const upstream = connect(engine)
    let isStalled = false
    for (const [socket, peer] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => undefined) // the peer notices by itself
      socket.on('close', () => {
        sockets.delete(socket)
        if (!isStalled || socket === client) peer.destroy() // a stalled client does not see the engine hang up
      })
    }
    upstream.on('data', (data) => void (isStalled || client.write(data)))
    const requests = requestSplitter((request) => {
      if (pattern?.test(request) === true) {
        isStalled = true
        stalledRequests.push(request.split('\r\n', 1)[0] ?? '')
      }
    })
    client.on('data', (data) => {
      requests(data)
      upstream.write(data)
    })
  }

  async function reconnect() {
    server = createServer(handleClient)
    server.listen(path)
    await once(server, 'listening')
  }

  async function disconnect() {
    const closing = server
    server = undefined
    if (!closing) return
    const closed = once(closing, 'close')
    closing.close() // removes the socket file
    for (const socket of sockets) socket.destroy()
    await closed
  }

  await reconnect()
  return {
    host: `unix://${path}`,
    stall: (requestPattern) => void (pattern = requestPattern),
    stalled: () => stalledRequests,
    unstall: () => void (pattern = undefined),
    disconnect,
    reconnect,
    async close() {
      await disconnect()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Splits a client's data into requests and passes each on when it is complete. */
function requestSplitter(onRequest: (request: string) => void): (data: Buffer) => void {
  let pending = ''
  return (data) => {
    pending += data.toString('latin1')
    for (;;) {
      const head = pending.indexOf('\r\n\r\n')
      if (head === -1) return
      const length = Number(/^content-length: *(\d+)/im.exec(pending.slice(0, head))?.[1] ?? 0)
      const end = head + 4 + length
      if (pending.length < end) return
      onRequest(pending.slice(0, end))
      pending = pending.slice(end)
    }
  }
}
