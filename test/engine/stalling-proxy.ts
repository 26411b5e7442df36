import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Stands between the service and an engine's socket, and is what can go wrong there. */
export interface StallingProxy {
  /** For `DOCKER_HOST`. */
  readonly host: string
  /** From now on a request that looks so does reach the engine, and its answer never comes back. */
  stall(pattern: RegExp): void
  /** The requests that got no answer, without their bodies. */
  stalled(): readonly string[]
  /** No further request is stalled. */
  unstall(): void
  /** The socket is gone, and every connection with it. */
  disconnect(): Promise<void>
  /** It is back. */
  reconnect(): Promise<void>
  close(): Promise<void>
}

/** Starts one before the engine's socket at `engine`. */
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
      socket.on('error', () => undefined) // whoever is cut off sees it by himself
      socket.on('close', () => {
        sockets.delete(socket)
        if (!isStalled || socket === client) peer.destroy() // one that is stalled is not told that the engine hung up
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
    closing.close() // removes the socket's file
    for (const socket of sockets) socket.destroy()
    await closed
  }

  await reconnect()
  return {
    host: `unix://${path}`,
    stall: (stallPattern) => void (pattern = stallPattern),
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

/** Cuts what a client of the engine sends into requests, and hands each on when it is whole. */
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
