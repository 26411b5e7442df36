import { describe, expect, test } from 'vitest'
import { refusedShell, openShell } from './shell-client.ts'
import type { TestServerOptions, TestServer } from '../test-server.ts'

/** A running workspace, and the port of its service. */
export interface RunningWorkspace extends TestServer {
  readonly id: string
  readonly port: number
}

/** The behaviour of shells on every provider. */
export function shellContract(openWorkspace: (options?: TestServerOptions) => Promise<RunningWorkspace>): void {
  describe('A shell', () => {
    test('a shell runs what is typed, and returns the output', async () => {
      const { id, port } = await openWorkspace()
      const shell = await openShell(port, id)
      shell.type('echo $((6*7)) $TERM\n')
      await shell.waitForScreen(/^42 xterm-256color$/m)
      expect(shell.notices[0]).toMatchObject({ type: 'session', resumed: false })
    })

    test('a shell has the requested size, and the new size after a resize', async () => {
      const { id, port } = await openWorkspace()
      const shell = await openShell(port, id, { query: { columns: '132', rows: '43' } })
      shell.type('stty size\n')
      await shell.waitForScreen(/^43 132$/m)
      shell.resize(61, 17)
      shell.type('stty size\n')
      await shell.waitForScreen(/^17 61$/m)
    })

    test('a shell that exits reports its exit code and closes the connection', async () => {
      const { id, port } = await openWorkspace()
      const shell = await openShell(port, id)
      shell.type('exit 7\n')
      expect(await shell.waitForNotice('ended')).toEqual({ type: 'ended', exit_code: 7 })
      expect((await shell.closed).code).toBe(1000)
    })

    test('a client that reconnects to its session sees the screen as it was, and can continue', async () => {
      const { id, port } = await openWorkspace()
      const first = await openShell(port, id)
      const { session } = await first.waitForNotice('session')
      first.type('value=kept; printf "%s\\n" on-the-"screen"\n')
      await first.waitForScreen(/^on-the-screen$/m)
      first.socket.terminate()
      const second = await openShell(port, id, { query: { session } })
      expect(await second.waitForNotice('session')).toEqual({ type: 'session', session, resumed: true })
      await second.waitForScreen(/^on-the-screen$/m)
      second.type('echo it is $value\n')
      await second.waitForScreen(/^it is kept$/m)
    })

    test('a client that reconnects while a program uses the alternate screen sees the alternate screen', async () => {
      const { id, port } = await openWorkspace()
      const first = await openShell(port, id)
      const { session } = await first.waitForNotice('session')
      first.type(
        'printf "before-it\\n"; printf "\\033[?1049h\\033[2J\\033[5;9Hin-the-other\\033[?25l"; read line; printf "\\033[?1049l"\n',
      )
      await first.waitForScreen(/in-the-other/)
      first.socket.terminate()
      const second = await openShell(port, id, { query: { session } })
      await second.waitForScreen(/^ {8}in-the-other$/m)
      expect(second.screen()).toBe('alternate')
      expect(second.received()).toContain('\u001b[?25l')
      second.type('\n')
      await second.waitForScreen(/^before-it$/m)
      expect(second.screen()).toBe('normal')
    })

    test('a second client takes the session over, and the first is notified', async () => {
      const { id, port } = await openWorkspace()
      const first = await openShell(port, id)
      const { session } = await first.waitForNotice('session')
      const second = await openShell(port, id, { query: { session } })
      expect((await first.closed).code).toBe(4409)
      expect(first.notices.at(-1)).toEqual({ type: 'taken-over' })
      second.type('echo $((6*7))\n')
      await second.waitForScreen(/^42$/m)
    })

    test('a shell that ended without a client reports its end once to the client that reconnects', async () => {
      const { id, port } = await openWorkspace()
      const first = await openShell(port, id)
      const { session } = await first.waitForNotice('session')
      first.type('trap "" HUP; read wait; echo unattended; exit 3\n')
      await first.waitForScreen(/exit 3$/m)
      first.type('\n')
      first.socket.terminate()
      const second = await openShell(port, id, { query: { session } })
      await second.waitForScreen(/^unattended$/m)
      expect(await second.waitForNotice('ended')).toEqual({ type: 'ended', exit_code: 3 })
      expect(await refusedShell(port, id, { query: { session } })).toMatchObject({
        status: 404,
        body: { code: 'shell-not-found' },
      })
    })

    test('a shell to which no client reconnects is hung up', async () => {
      const { id, port } = await openWorkspace({ shellTimeouts: { retentionMs: 1 } })
      const other = await openShell(port, id)
      const shell = await openShell(port, id)
      shell.type('trap "touch hung-up; exit" HUP; echo rea""dy; while :; do sleep 0.01; done\n')
      await shell.waitForScreen(/ready/)
      shell.socket.terminate()
      other.type('until [ -e hung-up ]; do sleep 0.01; done; echo se""en\n')
      await other.waitForScreen(/seen/)
    })

    test('a client that closes with 1000 has its shell hung up at once', async () => {
      const { id, port } = await openWorkspace()
      const other = await openShell(port, id)
      const shell = await openShell(port, id)
      shell.type('trap "touch hung-up; exit" HUP; echo rea""dy; while :; do sleep 0.01; done\n')
      await shell.waitForScreen(/ready/)
      shell.socket.close(1000)
      other.type('until [ -e hung-up ]; do sleep 0.01; done; echo se""en\n')
      await other.waitForScreen(/seen/)
    })

    test('a shell that ignores the hang-up is killed', async () => {
      const { id, port } = await openWorkspace({ shellTimeouts: { hangUpTimeoutMs: 1 } })
      const other = await openShell(port, id)
      const shell = await openShell(port, id)
      shell.type('trap "" HUP; echo $$ > stubborn; echo rea""dy; while :; do sleep 0.01; done\n')
      await shell.waitForScreen(/ready/)
      shell.socket.close(1000)
      other.type('while kill -0 $(cat stubborn) 2>/dev/null; do sleep 0.01; done; echo se""en\n')
      await other.waitForScreen(/seen/)
    })

    test('a client that does not read is disconnected, and its shell continues', async () => {
      const { id, port } = await openWorkspace({ shellTimeouts: { stallTimeoutMs: 20 } })
      const shell = await openShell(port, id)
      const { session } = await shell.waitForNotice('session')
      shell.type('head -c 30000000 /dev/zero | tr "\\\\0" x; echo; echo all-of-it > passed; echo do""ne\n')
      shell.socket.pause()
      const other = await openShell(port, id)
      other.type('until [ -e passed ]; do sleep 0.01; done; echo se""en\n')
      await other.waitForScreen(/seen/)
      shell.socket.resume()
      expect((await shell.closed).code).toBe(1006)
      const again = await openShell(port, id, { query: { session } })
      await again.waitForScreen(/^done$/m)
    }, 60_000)

    test('a stop of the workspace ends its shells, and is reported as the reason', async () => {
      const { inject, id, port } = await openWorkspace()
      const shell = await openShell(port, id)
      const { session } = await shell.waitForNotice('session')
      shell.type('echo rea""dy\n')
      await shell.waitForScreen(/ready/)
      await inject('POST', `/api/v1/workspaces/${id}/stop`)
      expect(await shell.waitForNotice('ended')).toEqual({ type: 'ended', error: 'The workspace was stopped.' })
      expect(await refusedShell(port, id, { query: { session } })).toMatchObject({
        status: 409,
        body: { code: 'refused-in-state' },
      })
    })
  })
}
