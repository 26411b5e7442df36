import { createHash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Inside } from '../../src/provider/inside.ts'
import type { Subject } from '../../src/workspace/subject.ts'
import { type Bench, faultOf, unhurried, valueOf } from './bench.ts'
import { flood, sharedWorkspace } from './inside-bench.ts'
import { busyFor, commandOf, endOf, nextText, ran, shellIn } from './run-bench.ts'

/** Commands inside a running workspace: what they are given, what is heard of them, and how they end. */
export function runContract(make: () => Promise<Bench>): void {
  let bench: Bench
  let subject: Subject
  let inside: Inside
  const enter = sharedWorkspace(make, { remoteEnv: { OUTER: 'x y', BOTH: 'recipe' } })
  beforeEach(async () => {
    ;({ bench, subject } = await enter())
    inside = bench.provider.inside
  })

  const sh = (script: string, partial = {}) => shellIn(inside, subject, script, partial)

  describe('running a command inside', () => {
    it('its exit code and both of its streams are told apart, byte for byte', async () => {
      const seen = await endOf(await sh("printf 'a\\000b\\377'; printf 'no\\n' >&2; exit 42"))
      expect(seen.end).toEqual({ kind: 'exited', code: 42 })
      expect(seen.stdout).toEqual(Buffer.from([0x61, 0, 0x62, 0xff]))
      expect(seen.stderr.toString()).toBe('no\n')
    })

    it('no shell reads its arguments', async () => {
      const words = ['$HOME', '; echo no', '$(echo no)', '`echo no`', "it's\ntwo", '', '-n', '*']
      const run = await ran(inside, subject, { argv: ['/bin/sh', '-c', 'printf "[%s]" "$@"', 'sh', ...words] })
      expect((await endOf(run)).stdout.toString()).toBe(words.map((word) => `[${word}]`).join(''))
    })

    it("it has the recipe's environment, and what it is given goes before that", async () => {
      const odd = 'a b\'c"d$(echo no)\nline two'
      const run = await sh('printf "%s|%s|%s" "$OUTER" "$BOTH" "$ODD"', { env: { BOTH: 'given', ODD: odd } })
      expect((await endOf(run)).stdout.toString()).toBe(`x y|given|${odd}`)
    })

    it('it begins in the workspace folder, or where it is told to', async () => {
      await endOf(await sh('mkdir -p "a dir/-b"'))
      const folder = (await endOf(await sh('pwd'))).stdout.toString().trim()
      const relative = await endOf(await sh('pwd', { cwd: 'a dir/-b' }))
      expect(relative.stdout.toString()).toBe(`${folder}/a dir/-b\n`)
      expect((await endOf(await sh('pwd', { cwd: '/' }))).stdout.toString()).toBe('/\n')
    })

    it('a directory that is not there ends it with 126 and a word on stderr', async () => {
      const { end, stderr, stdout } = await endOf(await sh('echo ran', { cwd: 'not/there' }))
      expect(end).toEqual({ kind: 'exited', code: 126 })
      expect([stdout.toString(), stderr.toString()]).toEqual(['', expect.stringContaining('not/there')])
    })

    it.each(['no-such-program-here', './not-here', '-v'])(
      'a program that does not exist (%s) ends it with 127',
      async (name) => {
        const { end, stderr } = await endOf(await ran(inside, subject, { argv: [name, 'x'] }))
        expect(end).toEqual({ kind: 'exited', code: 127 })
        expect(stderr.toString()).toContain(name)
      },
    )

    it('a program that may not be run ends it with 126', async () => {
      const { end, stderr } = await endOf(await ran(inside, subject, { argv: ['/etc/passwd'] }))
      expect(end).toEqual({ kind: 'exited', code: 126 })
      expect(stderr.toString()).toContain('/etc/passwd')
    })

    it('it reads all that it is given, and the end of that', async () => {
      const { source, checksum } = flood(20_000_000)
      const run = await sh('cat', { stdin: true })
      const hash = createHash('sha256')
      const read = async () => {
        for await (const { bytes } of run.output) hash.update(bytes)
      }
      if (run.stdin === null) expect.fail('it reads nothing')
      await Promise.all([pipeline(source, run.stdin), read()])
      expect(hash.digest('hex')).toBe(checksum())
      expect(await run.ended).toEqual({ kind: 'exited', code: 0 })
    })

    it("what is written to one that does not read it, or has ended, is nobody's error", async () => {
      const run = await sh('exit 3', { stdin: true })
      const { source } = flood(20_000_000)
      if (run.stdin === null) expect.fail('it reads nothing')
      const writing = pipeline(source, run.stdin).catch(() => undefined)
      expect((await endOf(run)).end).toEqual({ kind: 'exited', code: 3 })
      await writing
      run.stdin.write('more')
    })

    it('one that is given nothing to read finds the end at once', async () => {
      const run = await sh('cat; echo done')
      expect(run.stdin).toBe(null)
      expect((await endOf(run)).stdout.toString()).toBe('done\n')
    })

    it('nothing that it writes is lost, however much and fast', async () => {
      const run = await sh('head -c 50000000 /dev/zero; echo end >&2; exit 5')
      const { end, stdout, stderr } = await endOf(run)
      expect([stdout.length, stderr.toString(), end]).toEqual([50_000_000, 'end\n', { kind: 'exited', code: 5 }])
    })

    it('one that nobody reads is held up, and nothing of its output is lost', async () => {
      const run = await sh(
        'i=0; while [ $i -lt 400 ]; do head -c 65536 /dev/zero; i=$((i+1)); echo $i > at; done; exit 6',
      )
      const at = async () => (await endOf(await sh('cat at 2>/dev/null'))).stdout.toString().trim()
      const held: string[] = []
      // Only that it goes on no more can be seen, by looking twice.
      await expect
        .poll(async () => (held.unshift(await at()), held[0] !== '' && held[0] === held[1]), { timeout: 20_000 })
        .toBe(true)
      expect(Number(held[0])).toBeLessThan(400)
      const { end, stdout } = await endOf(run)
      expect([stdout.length, end]).toEqual([400 * 65_536, { kind: 'exited', code: 6 }])
    })

    it('its end is told though nobody reads its output', async () => {
      const run = await sh('echo unread; exit 7')
      expect(await run.ended).toEqual({ kind: 'exited', code: 7 })
      expect((await endOf(run)).stdout.toString()).toBe('unread\n')
    })

    it('what it wrote last is not lost by whoever was busy at its end', async () => {
      const run = await sh('head -c 60000 /dev/zero')
      await run.ended
      busyFor(600)
      expect((await endOf(run)).stdout.length).toBe(60_000)
    })

    it('a child in the background that holds the output open does not hold up its end', async () => {
      const run = await sh('sleep 300 & echo begun')
      const { end, stdout } = await endOf(run)
      expect([stdout.toString(), end]).toEqual(['begun\n', { kind: 'exited', code: 0 }])
    })

    it('a child in the background that writes without end does not hold up its end', async () => {
      const run = await sh('(while :; do echo y; done) & sleep 0.2; exit 8')
      expect((await endOf(run)).end).toEqual({ kind: 'exited', code: 8 })
      valueOf(await inside.endRun(subject, commandOf({}).mark, unhurried()))
    })

    it('a user that does not exist is never going to run anything', async () => {
      const asked = commandOf({ argv: ['true'], user: 'no-such-user' })
      expect(faultOf(await inside.run(subject, asked, unhurried())).again).toBe('never')
    })

    it('a workspace that does not run, or is not there, is gone', async () => {
      const asked = commandOf({ argv: ['true'] })
      expect(faultOf(await bench.other().inside.run(subject, asked, unhurried())).again).toBe('gone')
      valueOf(await bench.provider.halt(subject, unhurried()))
      expect(faultOf(await inside.run(subject, asked, unhurried())).again).toBe('gone')
      valueOf(await inside.endRun(subject, 'any', unhurried()))
      valueOf(await bench.provider.remove(subject.id, null, unhurried()))
      expect(faultOf(await inside.run(subject, asked, unhurried())).again).toBe('gone')
      valueOf(await inside.endRun(subject, 'any', unhurried()))
    })

    it('one in a workspace that is killed ends, and so does its output', async () => {
      const run = await sh('echo up; exec sleep 300')
      expect(await nextText(run)).toBe('up\n')
      await bench.kill(subject.containerId ?? '')
      // A container takes all that runs in it with it; plain processes are ended by the halt.
      valueOf(await bench.provider.halt(subject, unhurried()))
      expect((await run.ended).kind).toMatch(/exited|killed|lost/)
      expect((await endOf(run)).stdout.toString()).toBe('')
    })
  })
}
