import { describe, expect, test } from 'vitest'
import { refusalOf, shellOf } from './shell-client.ts'
import type { Setting, World } from './world.ts'

/** A workspace that runs, and where it is served. */
export interface Up extends World {
  readonly id: string
  readonly port: number
}

/** What a shell is to whoever opens it, on every provider. */
export function shellContract(up: (setting?: Setting) => Promise<Up>): void {
  describe('A shell', () => {
    test('what is typed into a shell is run, and what it writes comes back', async () => {
      const { id, port } = await up()
      const shell = await shellOf(port, id)
      shell.type('echo $((6*7)) $TERM\n')
      await shell.shows(/^42 xterm-256color$/m)
      expect(shell.notices[0]).toMatchObject({ type: 'session', resumed: false })
    })

    test('a shell has the size that was asked for, and another once it is resized', async () => {
      const { id, port } = await up()
      const shell = await shellOf(port, id, { query: { columns: '132', rows: '43' } })
      shell.type('stty size\n')
      await shell.shows(/^43 132$/m)
      shell.resize(61, 17)
      shell.type('stty size\n')
      await shell.shows(/^17 61$/m)
    })

    test('the exit code of a shell is told, and the connection is closed', async () => {
      const { id, port } = await up()
      const shell = await shellOf(port, id)
      shell.type('exit 7\n')
      expect(await shell.told('ended')).toEqual({ type: 'ended', exit_code: 7 })
      expect((await shell.closed).code).toBe(1000)
    })

    test('a client that comes back to its session sees the screen as it was, and goes on', async () => {
      const { id, port } = await up()
      const first = await shellOf(port, id)
      const { session } = await first.told('session')
      first.type('mine=kept; printf "%s\\n" on-the-"screen"\n')
      await first.shows(/^on-the-screen$/m)
      first.socket.terminate()
      const second = await shellOf(port, id, { query: { session } })
      expect(await second.told('session')).toEqual({ type: 'session', session, resumed: true })
      await second.shows(/^on-the-screen$/m)
      second.type('echo it is $mine\n')
      await second.shows(/^it is kept$/m)
    })

    test('a client that comes back while a program has the other screen sees that one', async () => {
      const { id, port } = await up()
      const first = await shellOf(port, id)
      const { session } = await first.told('session')
      first.type(
        'printf "before-it\\n"; printf "\\033[?1049h\\033[2J\\033[5;9Hin-the-other\\033[?25l"; read line; printf "\\033[?1049l"\n',
      )
      await first.shows(/in-the-other/)
      first.socket.terminate()
      const second = await shellOf(port, id, { query: { session } })
      await second.shows(/^ {8}in-the-other$/m)
      expect(second.screen()).toBe('alternate')
      expect(second.written()).toContain('\u001b[?25l')
      second.type('\n')
      await second.shows(/^before-it$/m)
      expect(second.screen()).toBe('normal')
    })

    test('a second client takes the session over, and the first is told', async () => {
      const { id, port } = await up()
      const first = await shellOf(port, id)
      const { session } = await first.told('session')
      const second = await shellOf(port, id, { query: { session } })
      expect((await first.closed).code).toBe(4409)
      expect(first.notices.at(-1)).toEqual({ type: 'taken-over' })
      second.type('echo $((6*7))\n')
      await second.shows(/^42$/m)
    })

    test('a shell that ended while nobody looked tells its end to who comes back, once', async () => {
      const { id, port } = await up()
      const first = await shellOf(port, id)
      const { session } = await first.told('session')
      first.type('trap "" HUP; read wait; echo gone-by; exit 3\n')
      await first.shows(/exit 3$/m)
      first.type('\n')
      first.socket.terminate()
      const second = await shellOf(port, id, { query: { session } })
      await second.shows(/^gone-by$/m)
      expect(await second.told('ended')).toEqual({ type: 'ended', exit_code: 3 })
      expect(await refusalOf(port, id, { query: { session } })).toMatchObject({
        status: 404,
        body: { code: 'shell-not-found' },
      })
    })

    test('a shell that nobody comes back to is hung up', async () => {
      const { id, port } = await up({ shellTimes: { keptMs: 1 } })
      const other = await shellOf(port, id)
      const shell = await shellOf(port, id)
      shell.type('trap "touch hung-up; exit" HUP; echo rea""dy; while :; do sleep 0.01; done\n')
      await shell.shows(/ready/)
      shell.socket.terminate()
      other.type('until [ -e hung-up ]; do sleep 0.01; done; echo se""en\n')
      await other.shows(/seen/)
    })

    test('a client that closes with 1000 has its shell hung up at once', async () => {
      const { id, port } = await up()
      const other = await shellOf(port, id)
      const shell = await shellOf(port, id)
      shell.type('trap "touch hung-up; exit" HUP; echo rea""dy; while :; do sleep 0.01; done\n')
      await shell.shows(/ready/)
      shell.socket.close(1000)
      other.type('until [ -e hung-up ]; do sleep 0.01; done; echo se""en\n')
      await other.shows(/seen/)
    })

    test('a shell that does not care for being hung up is killed', async () => {
      const { id, port } = await up({ shellTimes: { hangUpMs: 1 } })
      const other = await shellOf(port, id)
      const shell = await shellOf(port, id)
      shell.type('trap "" HUP; echo $$ > stubborn; echo rea""dy; while :; do sleep 0.01; done\n')
      await shell.shows(/ready/)
      shell.socket.close(1000)
      other.type('while kill -0 $(cat stubborn) 2>/dev/null; do sleep 0.01; done; echo se""en\n')
      await other.shows(/seen/)
    })

    test('a client that reads nothing is dropped, and its shell goes on', async () => {
      const { id, port } = await up({ shellTimes: { patienceMs: 20 } })
      const shell = await shellOf(port, id)
      const { session } = await shell.told('session')
      shell.type('head -c 30000000 /dev/zero | tr "\\\\0" x; echo; echo all-of-it > passed; echo do""ne\n')
      shell.socket.pause()
      const other = await shellOf(port, id)
      other.type('until [ -e passed ]; do sleep 0.01; done; echo se""en\n')
      await other.shows(/seen/)
      shell.socket.resume()
      expect((await shell.closed).code).toBe(1006)
      const again = await shellOf(port, id, { query: { session } })
      await again.shows(/^done$/m)
    }, 60_000)

    test('a workspace that is stopped ends its shells, and that is why', async () => {
      const { ask, id, port } = await up()
      const shell = await shellOf(port, id)
      const { session } = await shell.told('session')
      shell.type('echo rea""dy\n')
      await shell.shows(/ready/)
      await ask('POST', `/api/v1/workspaces/${id}/stop`)
      expect(await shell.told('ended')).toEqual({ type: 'ended', error: 'The workspace was stopped.' })
      expect(await refusalOf(port, id, { query: { session } })).toMatchObject({
        status: 409,
        body: { code: 'refused-in-state' },
      })
    })
  })
}
