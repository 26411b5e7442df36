import { createHash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Guest } from '../../../src/provider/guest.ts'
import type { WorkspaceRef } from '../../../src/workspace/workspace-ref.ts'
import { type ProviderFixture, faultOf, neverAborted, valueOf } from './provider-fixture.ts'
import { largeSource, sharedWorkspace } from './guest-fixture.ts'
import { blockFor, commandOf, collectOutput, nextText, startProcess, startShell } from './guest-processes.ts'

/** Commands in the guest: their input and environment, their output, and their exit. */
export function execContract(createFixture: () => Promise<ProviderFixture>): void {
  let fixture: ProviderFixture
  let workspace: WorkspaceRef
  let guest: Guest
  const openWorkspace = sharedWorkspace(createFixture, { remoteEnv: { OUTER: 'x y', BOTH: 'spec' } })
  beforeEach(async () => {
    ;({ fixture, workspace } = await openWorkspace())
    guest = fixture.provider.guest
  })

  const shell = (script: string, partial = {}) => startShell(guest, workspace, script, partial)

  describe('running a command in the guest', () => {
    it('stdout, stderr and the exit code are reported separately, byte for byte', async () => {
      const result = await collectOutput(await shell("printf 'a\\000b\\377'; printf 'no\\n' >&2; exit 42"))
      expect(result.exit).toEqual({ kind: 'exited', code: 42 })
      expect(result.stdout).toEqual(Buffer.from([0x61, 0, 0x62, 0xff]))
      expect(result.stderr.toString()).toBe('no\n')
    })

    it('its arguments are not interpreted by a shell', async () => {
      const words = ['$HOME', '; echo no', '$(echo no)', '`echo no`', "it's\ntwo", '', '-n', '*']
      const process = await startProcess(guest, workspace, {
        argv: ['/bin/sh', '-c', 'printf "[%s]" "$@"', 'sh', ...words],
      })
      expect((await collectOutput(process)).stdout.toString()).toBe(words.map((word) => `[${word}]`).join(''))
    })

    it('its own environment takes precedence over that of the spec', async () => {
      const oddValue = 'a b\'c"d$(echo no)\nline two'
      const process = await shell('printf "%s|%s|%s" "$OUTER" "$BOTH" "$ODD"', {
        env: { BOTH: 'given', ODD: oddValue },
      })
      expect((await collectOutput(process)).stdout.toString()).toBe(`x y|given|${oddValue}`)
    })

    it('it runs in the workspace folder, or in the directory given', async () => {
      await collectOutput(await shell('mkdir -p "a dir/-b"'))
      const folder = (await collectOutput(await shell('pwd'))).stdout.toString().trim()
      const relative = await collectOutput(await shell('pwd', { cwd: 'a dir/-b' }))
      expect(relative.stdout.toString()).toBe(`${folder}/a dir/-b\n`)
      expect((await collectOutput(await shell('pwd', { cwd: '/' }))).stdout.toString()).toBe('/\n')
    })

    it('a directory that does not exist makes it exit with 126 and a message on stderr', async () => {
      const { exit, stderr, stdout } = await collectOutput(await shell('echo ran', { cwd: 'not/there' }))
      expect(exit).toEqual({ kind: 'exited', code: 126 })
      expect([stdout.toString(), stderr.toString()]).toEqual(['', expect.stringContaining('not/there')])
    })

    it.each(['no-such-program-here', './not-here', '-v'])(
      'a program that does not exist (%s) makes it exit with 127',
      async (name) => {
        const { exit, stderr } = await collectOutput(await startProcess(guest, workspace, { argv: [name, 'x'] }))
        expect(exit).toEqual({ kind: 'exited', code: 127 })
        expect(stderr.toString()).toContain(name)
      },
    )

    it('a program that cannot be executed makes it exit with 126', async () => {
      const { exit, stderr } = await collectOutput(await startProcess(guest, workspace, { argv: ['/etc/passwd'] }))
      expect(exit).toEqual({ kind: 'exited', code: 126 })
      expect(stderr.toString()).toContain('/etc/passwd')
    })

    it('it reads all of its input, and the end of the input', async () => {
      const { source, checksum } = largeSource(20_000_000)
      const process = await shell('cat', { stdin: true })
      const hash = createHash('sha256')
      const read = async () => {
        for await (const { bytes } of process.output) hash.update(bytes)
      }
      if (process.stdin === null) expect.fail('the command has no stdin')
      await Promise.all([pipeline(source, process.stdin), read()])
      expect(hash.digest('hex')).toBe(checksum())
      expect(await process.exited).toEqual({ kind: 'exited', code: 0 })
    })

    it('input for a command that does not read it, or has exited, is not an error', async () => {
      const process = await shell('exit 3', { stdin: true })
      const { source } = largeSource(20_000_000)
      if (process.stdin === null) expect.fail('the command has no stdin')
      const writing = pipeline(source, process.stdin).catch(() => undefined)
      expect((await collectOutput(process)).exit).toEqual({ kind: 'exited', code: 3 })
      await writing
      process.stdin.write('more')
    })

    it('a command without input reads the end of file at once', async () => {
      const process = await shell('cat; echo done')
      expect(process.stdin).toBe(null)
      expect((await collectOutput(process)).stdout.toString()).toBe('done\n')
    })

    it('no output is lost, however much and however fast it comes', async () => {
      const process = await shell('head -c 50000000 /dev/zero; echo end >&2; exit 5')
      const { exit, stdout, stderr } = await collectOutput(process)
      expect([stdout.length, stderr.toString(), exit]).toEqual([50_000_000, 'end\n', { kind: 'exited', code: 5 }])
    })

    it('a command whose output is not read is blocked, and no output is lost', async () => {
      const process = await shell(
        'i=0; while [ $i -lt 400 ]; do head -c 65536 /dev/zero; i=$((i+1)); echo $i > at; done; exit 6',
      )
      const at = async () => (await collectOutput(await shell('cat at 2>/dev/null'))).stdout.toString().trim()
      const observed: string[] = []
      // A blocked command can only be recognized by two equal readings.
      await expect
        .poll(async () => (observed.unshift(await at()), observed[0] !== '' && observed[0] === observed[1]), {
          timeout: 20_000,
        })
        .toBe(true)
      expect(Number(observed[0])).toBeLessThan(400)
      const { exit, stdout } = await collectOutput(process)
      expect([stdout.length, exit]).toEqual([400 * 65_536, { kind: 'exited', code: 6 }])
    })

    it('its exit is reported even if its output is not read', async () => {
      const process = await shell('echo unread; exit 7')
      expect(await process.exited).toEqual({ kind: 'exited', code: 7 })
      expect((await collectOutput(process)).stdout.toString()).toBe('unread\n')
    })

    it('its last output is not lost if this process was busy at its exit', async () => {
      const process = await shell('head -c 60000 /dev/zero')
      await process.exited
      blockFor(600)
      expect((await collectOutput(process)).stdout.length).toBe(60_000)
    })

    it('a background child that holds the output open does not delay its exit', async () => {
      const process = await shell('sleep 300 & echo started')
      const { exit, stdout } = await collectOutput(process)
      expect([stdout.toString(), exit]).toEqual(['started\n', { kind: 'exited', code: 0 }])
    })

    it('a background child that writes without end does not delay its exit', async () => {
      const process = await shell('(while :; do echo y; done) & sleep 0.2; exit 8')
      expect((await collectOutput(process)).exit).toEqual({ kind: 'exited', code: 8 })
      valueOf(await guest.killLeftover(workspace, commandOf({}).tag, neverAborted()))
    })

    it('a user that does not exist is a permanent fault', async () => {
      const command = commandOf({ argv: ['true'], user: 'no-such-user' })
      expect(faultOf(await guest.exec(workspace, command, neverAborted())).kind).toBe('permanent')
    })

    it('a workspace that is stopped, or does not exist, is missing', async () => {
      const command = commandOf({ argv: ['true'] })
      expect(faultOf(await fixture.otherInstallation().guest.exec(workspace, command, neverAborted())).kind).toBe(
        'missing',
      )
      valueOf(await fixture.provider.stop(workspace, neverAborted()))
      expect(faultOf(await guest.exec(workspace, command, neverAborted())).kind).toBe('missing')
      valueOf(await guest.killLeftover(workspace, 'any', neverAborted()))
      valueOf(await fixture.provider.remove(workspace.id, null, neverAborted()))
      expect(faultOf(await guest.exec(workspace, command, neverAborted())).kind).toBe('missing')
      valueOf(await guest.killLeftover(workspace, 'any', neverAborted()))
    })

    it('a command in a workspace that is killed exits, and its output ends', async () => {
      const process = await shell('echo up; exec sleep 300')
      expect(await nextText(process)).toBe('up\n')
      await fixture.kill(workspace.containerId ?? '')
      // The end of a container ends everything in it; plain processes end with the stop.
      valueOf(await fixture.provider.stop(workspace, neverAborted()))
      expect((await process.exited).kind).toMatch(/exited|killed|lost/)
      expect((await collectOutput(process)).stdout.toString()).toBe('')
    })
  })
}
