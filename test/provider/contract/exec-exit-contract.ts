import { beforeEach, describe, expect, it } from 'vitest'
import type { Guest, GuestProcess } from '../../../src/provider/guest.ts'
import type { GuestCommand } from '../../../src/workspace/guest-process.ts'
import type { WorkspaceRef } from '../../../src/workspace/workspace-ref.ts'
import { type ProviderFixture, neverAborted, valueOf } from './provider-fixture.ts'
import { sharedWorkspace } from './guest-fixture.ts'
import { collectOutput, readUntil, nextText, startShell } from './guest-processes.ts'

const terminal = { columns: 91, rows: 17 }
// Prints the pids of itself, a child, a child in another session, and a child with an empty environment.
const processTreeScript =
  'sleep 300 & a=$!; setsid sleep 301 & b=$!; env -i sleep 302 & c=$!; sleep 0.2; echo "up $$ $a $b $c"; wait; sleep 303'

/** Signals, detaching, and terminals of commands in the guest. */
export function execExitContract(createFixture: () => Promise<ProviderFixture>): void {
  let fixture: ProviderFixture
  let workspace: WorkspaceRef
  let guest: Guest
  const openWorkspace = sharedWorkspace(createFixture)
  beforeEach(async () => {
    ;({ fixture, workspace } = await openWorkspace())
    guest = fixture.provider.guest
  })

  const shell = (script: string, partial: Partial<GuestCommand> = {}) => startShell(guest, workspace, script, partial)
  const pidsOf = async (process: GuestProcess) => (await readUntil(process, 'up')).trim().split(' ').slice(1)
  /** The processes that are still running, without zombies. */
  async function alive(pids: readonly string[]): Promise<string[]> {
    const script = 'for p in $*; do grep -q ") [^ZX] " /proc/$p/stat 2>/dev/null && echo $p; done; true'
    const process = await startShell(guest, workspace, `set -- ${pids.join(' ')}; ${script}`, { tag: 'looks' })
    return (await collectOutput(process)).stdout.toString().split('\n').filter(Boolean)
  }

  describe('ending a command in the guest', () => {
    it('a signal ends it with its children, and its exit names the signal', async () => {
      const process = await shell(processTreeScript)
      const pids = await pidsOf(process)
      expect(await alive(pids)).toEqual(pids)
      valueOf(await process.signal('SIGTERM'))
      expect(await process.exited).toEqual({ kind: 'killed', signal: 'SIGTERM' })
      // The shell handles the signal asynchronously.
      await expect.poll(() => alive(pids)).toEqual([])
    })

    it('SIGKILL ends all of its processes before it returns, whatever they ignore or shed', async () => {
      const process = await shell(`trap "" TERM; ${processTreeScript}`)
      const pids = await pidsOf(process)
      valueOf(await process.signal('SIGTERM'))
      valueOf(await process.signal('SIGKILL'))
      expect(await alive(pids)).toEqual([])
      expect(await process.exited).toEqual({ kind: 'killed', signal: 'SIGKILL' })
    })

    it.each(['HUP', 'INT', 'QUIT', 'USR1', 'USR2'] as const)('it can handle SIG%s and run on', async (name) => {
      const process = await shell(`trap 'echo signaled' ${name}; echo up; while :; do sleep 0.05; done`)
      await readUntil(process, 'up')
      valueOf(await process.signal(`SIG${name}`))
      await readUntil(process, 'signaled')
      valueOf(await process.signal('SIGKILL'))
      expect(await process.exited).toEqual({ kind: 'killed', signal: 'SIGKILL' })
    })

    it('a signal after its exit succeeds, and an exit code above 128 is reported as a code', async () => {
      const process = await shell('exit 143')
      expect(await process.exited).toEqual({ kind: 'exited', code: 143 })
      valueOf(await process.signal('SIGTERM'))
      valueOf(await process.signal('SIGKILL'))
      expect(await process.exited).toEqual({ kind: 'exited', code: 143 })
    })

    it('a detached command runs on, its output ends, and another service can kill it by its tag', async () => {
      const process = await shell(processTreeScript, { tag: 'one' })
      const other = await shell(processTreeScript, { tag: 'one-more' })
      const [pids, others] = [await pidsOf(process), await pidsOf(other)]
      const rest = nextText(process)
      process.detach()
      expect(await rest).toBe(null)
      expect(await alive(pids)).toEqual(pids)
      valueOf(await fixture.restarted().guest.killLeftover(workspace, 'one', neverAborted()))
      // The process without an environment has no tag, so a new service cannot find it.
      expect((await alive(pids)).filter((pid) => pid !== pids[3])).toEqual([])
      expect(await alive(others)).toEqual(others)
      valueOf(await guest.killLeftover(workspace, 'one', neverAborted()))
    })
  })

  describe('a command in a terminal of the guest', () => {
    it('has a terminal of the requested size, and is notified of a resize', async () => {
      const process = await shell(
        `trap 'stty size' WINCH; test -t 0 && test -t 1 && stty size; while :; do sleep 0.05; done`,
        { terminal },
      )
      await readUntil(process, '17 91\r\n')
      await process.resize({ columns: 120, rows: 40 })
      await readUntil(process, '40 120\r\n')
      valueOf(await process.signal('SIGKILL'))
      await process.exited
      await process.resize(terminal)
    })

    it('reads typed input with an echo, all on one stream', async () => {
      const process = await shell('read line; echo "read $line"; echo no >&2; exit 4', { terminal })
      process.stdin?.write('typed\r')
      const { exit, stdout, stderr } = await collectOutput(process)
      expect([stdout.toString(), stderr.length]).toEqual(['typed\r\nread typed\r\nno\r\n', 0])
      expect(exit).toEqual({ kind: 'exited', code: 4 })
    })

    it('is interrupted by Ctrl-C, and ends with the end of its input', async () => {
      const trap = 'trap "echo interrupted; cat; echo over; exit 9" INT'
      const process = await shell(`${trap}; echo up; while :; do sleep 0.05; done`, { terminal })
      await readUntil(process, 'up')
      process.stdin?.write('\u0003')
      await readUntil(process, 'interrupted')
      process.stdin?.end()
      const { exit, stdout } = await collectOutput(process)
      expect(stdout.toString()).toContain('over')
      expect(exit).toEqual({ kind: 'exited', code: 9 })
    })
  })
}
