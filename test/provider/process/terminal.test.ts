import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { valueOf } from '../contract/provider-fixture.ts'
import { useProcessGuest } from './process-guest-fixture.ts'

describe.skipIf(process.platform !== 'linux')(
  'A command among plain processes, in a terminal',
  { timeout: 30_000 },
  () => {
    const { startShell, collectOutput } = useProcessGuest()

    const terminal = { columns: 91, rows: 32 }

    it('it has its own terminal with the requested size and TERM', async () => {
      const [text, end] = await collectOutput(
        await startShell('stty size; tty; echo "$TERM" >&2; exit 4', { terminal }),
      )
      expect(text).toMatch(/^32 91\r\n\/dev\/\S+\r\nxterm-256color\r\n$/)
      expect(end).toEqual({ kind: 'exited', code: 4 })
      const [named] = await collectOutput(await startShell('echo "$TERM"', { terminal, env: { TERM: 'vt100' } }))
      expect(named).toBe('vt100\r\n')
    })

    it('none of its last output is lost, even to a slow reader', async () => {
      for (let round = 0; round < 5; round += 1) {
        const running = await startShell('seq 1 30000', { terminal })
        const [text] = await collectOutput(running)
        expect(text.split('\r\n').length).toBe(30_001)
      }
      const running = await startShell('echo one; echo two', { terminal })
      await running.exited
      expect((await collectOutput(running))[0]).toBe('one\r\ntwo\r\n')
    })

    it('it reads typed input, is interrupted by Ctrl-C, and reads the end of the input', async () => {
      const running = await startShell(
        'trap "go=1; echo interrupted" INT; echo up; while [ -z "$go" ]; do sleep 0.02; done; read -r one; echo "got $one"; cat; exit 5',
        {
          terminal,
        },
      )
      let text = ''
      const steps: [string, () => void][] = [
        ['up', () => running.stdin?.write('\x03')],
        ['interrupted', () => running.stdin?.write('hello\n')],
        ['got hello', () => running.stdin?.end('more\n')],
      ]
      for await (const { bytes } of running.output) {
        text += bytes.toString()
        while (steps[0] !== undefined && text.includes(steps[0][0])) steps.shift()?.[1]()
      }
      expect(text).toContain('more\r\n')
      expect(await running.exited).toEqual({ kind: 'exited', code: 5 })
    })

    it('the command is notified of a resize', async () => {
      const running = await startShell('trap "stty size; exit" WINCH; echo up; while :; do sleep 0.02; done', {
        terminal,
      })
      let text = ''
      for await (const { bytes } of running.output) {
        text += bytes.toString()
        if (text === 'up\r\n') await running.resize({ columns: 120, rows: 40 })
      }
      expect(text).toBe('up\r\n40 120\r\n')
      await running.resize({ columns: 1, rows: 1 })
    })

    it('a large unread input blocks the writer, not the service', async () => {
      const running = await startShell('stty raw -echo; echo up; sleep 0.5; head -c 3000000 | wc -c', { terminal })
      let text = ''
      let turns = 0
      for await (const { bytes } of running.output) {
        text += bytes.toString()
        if (text === 'up\n') {
          const typed = new Promise<void>(
            (resolve) => void running.stdin?.write(Buffer.alloc(3_000_000, 'a'), () => resolve()),
          )
          const turning = setInterval(() => void (turns += 1), 1)
          void typed.then(() => clearInterval(turning))
        }
      }
      expect(text).toContain('3000000')
      expect(turns).toBeGreaterThan(20)
    })

    it('no other process inherits its descriptors, and its own shell does not inherit the master', async () => {
      const open = () => readdirSync('/proc/self/fd').length
      await collectOutput(await startShell('true', { terminal }))
      const before = open()
      const running = await startShell('ls -l /proc/self/fd; echo up; sleep 290', { terminal })
      const other = await startShell('ls -l /proc/self/fd')
      const [listed] = await collectOutput(other)
      expect(listed).not.toMatch(/ptmx|pts/)
      let text = ''
      for await (const { bytes } of running.output) {
        text += bytes.toString()
        if (text.includes('up\r\n')) valueOf(await running.signal('SIGKILL'))
      }
      expect(text).not.toContain('ptmx')
      expect(await running.exited).toEqual({ kind: 'killed', signal: 'SIGKILL' })
      expect(open()).toBe(before)
    })
  },
)
