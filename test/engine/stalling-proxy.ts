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
  relent(): void
  /** The socket is gone, and every connection with it. */
  vanish(): Promise<void>
  /** It is back. */
  appear(): Promise<void>
  close(): Promise<void>
}

/** Starts one before the engine's socket at `engine`. */
export async function stallingProxy(engine: string): Promise<StallingProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'vm-api-proxy-'))
  const path = join(folder, 'docker.sock')
  const open = new Set<Socket>()
  const stalled: string[] = []
  let pattern: RegExp | undefined
  let server: Server | undefined

  function serve(client: Socket) {
    const upstream = connect(engine)
    let silent = false
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket)
      socket.on('error', () => undefined) // whoever is cut off sees it by himself
      socket.on('close', () => {
        open.delete(socket)
        if (!silent || socket === client) other.destroy() // one that is stalled is not told that the engine hung up
      })
    }
    upstream.on('data', (data) => void (silent || client.write(data)))
    const requests = framed((request) => {
      if (pattern?.test(request) === true) {
        silent = true
        stalled.push(request.split('\r\n', 1)[0] ?? '')
      }
    })
    client.on('data', (data) => {
      requests(data)
      upstream.write(data)
    })
  }

  async function appear() {
    server = createServer(serve)
    server.listen(path)
    await once(server, 'listening')
  }

  async function vanish() {
    const gone = server
    server = undefined
    if (!gone) return
    const closed = once(gone, 'close')
    gone.close() // removes the socket's file
    for (const socket of open) socket.destroy()
    await closed
  }

  await appear()
  return {
    host: `unix://${path}`,
    stall: (stalling) => void (pattern = stalling),
    stalled: () => stalled,
    relent: () => void (pattern = undefined),
    vanish,
    appear,
    async close() {
      await vanish()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Cuts what a client of the engine sends into requests, and hands each on when it is whole. */
function framed(whole: (request: string) => void): (data: Buffer) => void {
  let pending = ''
  return (data) => {
    pending += data.toString('latin1')
    for (;;) {
      const head = pending.indexOf('\r\n\r\n')
      if (head === -1) return
      const length = Number(/^content-length: *(\d+)/im.exec(pending.slice(0, head))?.[1] ?? 0)
      const end = head + 4 + length
      if (pending.length < end) return
      whole(pending.slice(0, end))
      pending = pending.slice(end)
    }
  }
}
