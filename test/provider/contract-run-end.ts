import { beforeEach, describe, expect, it } from 'vitest'
import type { Inside, Run } from '../../src/provider/inside.ts'
import type { RunCommand } from '../../src/workspace/run.ts'
import type { Subject } from '../../src/workspace/subject.ts'
import { type Bench, unhurried, valueOf } from './bench.ts'
import { sharedWorkspace } from './inside-bench.ts'
import { endOf, heardUntil, nextText, shellIn } from './run-bench.ts'

const terminal = { columns: 91, rows: 17 }
// Says which processes there are: itself, a child, one in a session of its own, one whose environment is empty.
const family =
  'sleep 300 & a=$!; setsid sleep 301 & b=$!; env -i sleep 302 & c=$!; sleep 0.2; echo "up $$ $a $b $c"; wait; sleep 303'

/** How commands inside are ended, left, and seen through a terminal. */
export function runEndContract(make: () => Promise<Bench>): void {
  let bench: Bench
  let subject: Subject
  let inside: Inside
  const enter = sharedWorkspace(make)
  beforeEach(async () => {
    ;({ bench, subject } = await enter())
    inside = bench.provider.inside
  })

  const sh = (script: string, partial: Partial<RunCommand> = {}) => shellIn(inside, subject, script, partial)
  const members = async (run: Run) => (await heardUntil(run, 'up')).trim().split(' ').slice(1)
  /** Which of these processes still run; one that was not reaped does not. */
  async function alive(pids: readonly string[]): Promise<string[]> {
    const look = 'for p in $*; do grep -q ") [^ZX] " /proc/$p/stat 2>/dev/null && echo $p; done; true'
    const run = await shellIn(inside, subject, `set -- ${pids.join(' ')}; ${look}`, { mark: 'looks' })
    return (await endOf(run)).stdout.toString().split('\n').filter(Boolean)
  }

  describe('ending a command inside', () => {
    it('a signal ends it, with its children, and it is told by which', async () => {
      const run = await sh(family)
      const pids = await members(run)
      expect(await alive(pids)).toEqual(pids)
      valueOf(await run.signal('SIGTERM'))
      expect(await run.ended).toEqual({ kind: 'killed', signal: 'SIGTERM' })
      // A signal is heard when it is heard.
      await expect.poll(() => alive(pids)).toEqual([])
    })

    it('a kill ends all of it, whatever it has ignored or shed, before the answer', async () => {
      const run = await sh(`trap "" TERM; ${family}`)
      const pids = await members(run)
      valueOf(await run.signal('SIGTERM'))
      valueOf(await run.signal('SIGKILL'))
      expect(await alive(pids)).toEqual([])
      expect(await run.ended).toEqual({ kind: 'killed', signal: 'SIGKILL' })
    })

    it.each(['HUP', 'INT', 'QUIT', 'USR1', 'USR2'] as const)('it hears a SIG%s, and may go on', async (name) => {
      const run = await sh(`trap 'echo heard' ${name}; echo up; while :; do sleep 0.05; done`)
      await heardUntil(run, 'up')
      valueOf(await run.signal(`SIG${name}`))
      await heardUntil(run, 'heard')
      valueOf(await run.signal('SIGKILL'))
      expect(await run.ended).toEqual({ kind: 'killed', signal: 'SIGKILL' })
    })

    it('a signal that comes after its end is no failure, and an exit code that looks like one is a code', async () => {
      const run = await sh('exit 143')
      expect(await run.ended).toEqual({ kind: 'exited', code: 143 })
      valueOf(await run.signal('SIGTERM'))
      valueOf(await run.signal('SIGKILL'))
      expect(await run.ended).toEqual({ kind: 'exited', code: 143 })
    })

    it('one that is left goes on, its output ends, and its mark finds it, by another service too', async () => {
      const run = await sh(family, { mark: 'one' })
      const other = await sh(family, { mark: 'one-more' })
      const [pids, others] = [await members(run), await members(other)]
      const rest = nextText(run)
      run.leave()
      expect(await rest).toBe(null)
      expect(await alive(pids)).toEqual(pids)
      valueOf(await bench.again().inside.endRun(subject, 'one', unhurried()))
      // The one without an environment has no mark, and belongs to nobody that a new service knows.
      expect((await alive(pids)).filter((pid) => pid !== pids[3])).toEqual([])
      expect(await alive(others)).toEqual(others)
      valueOf(await inside.endRun(subject, 'one', unhurried()))
    })
  })

  describe('a command in a terminal inside', () => {
    it('finds a terminal of the size that was asked for, and hears of another', async () => {
      const run = await sh(
        `trap 'stty size' WINCH; test -t 0 && test -t 1 && stty size; while :; do sleep 0.05; done`,
        { terminal },
      )
      await heardUntil(run, '17 91\r\n')
      await run.resize({ columns: 120, rows: 40 })
      await heardUntil(run, '40 120\r\n')
      valueOf(await run.signal('SIGKILL'))
      await run.ended
      await run.resize(terminal)
    })

    it('reads what is typed, with an echo, all on one stream', async () => {
      const run = await sh('read line; echo "read $line"; echo no >&2; exit 4', { terminal })
      run.stdin?.write('typed\r')
      const { end, stdout, stderr } = await endOf(run)
      expect([stdout.toString(), stderr.length]).toEqual(['typed\r\nread typed\r\nno\r\n', 0])
      expect(end).toEqual({ kind: 'exited', code: 4 })
    })

    it('is interrupted by the key for that, and ends with the end of what is typed', async () => {
      const heard = 'trap "echo interrupted; cat; echo over; exit 9" INT'
      const run = await sh(`${heard}; echo up; while :; do sleep 0.05; done`, { terminal })
      await heardUntil(run, 'up')
      run.stdin?.write('\u0003')
      await heardUntil(run, 'interrupted')
      run.stdin?.end()
      const { end, stdout } = await endOf(run)
      expect(stdout.toString()).toContain('over')
      expect(end).toEqual({ kind: 'exited', code: 9 })
    })
  })
}
