import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LogPiece, LogWish } from '../../src/provider/inside.ts'
import type { RunOutput } from '../../src/workspace/run.ts'
import type { Subject } from '../../src/workspace/subject.ts'
import { type Bench, newSubject, unhurried, up, valueOf } from './bench.ts'

const all: LogWish = { since: null, tail: null, follow: false }

/** What is heard of a workspace's main process, and of its lifecycle commands. */
export function logsContract(make: () => Promise<Bench>): void {
  let bench: Bench
  beforeEach(async () => {
    bench = await make()
  })
  afterEach(() => bench.close())

  async function read(subject: Subject, wish: LogWish, signal = unhurried()): Promise<readonly LogPiece[]> {
    const pieces: LogPiece[] = []
    for await (const piece of valueOf(await bench.provider.inside.logs(subject, wish, signal))) pieces.push(piece)
    return pieces
  }

  describe('the output of the main process', () => {
    it('can be read to its end while it runs and when it does not', async () => {
      const subject = await up(bench.provider, newSubject(bench.recipe()))
      expect(await read(subject, all)).toEqual(await read(subject, { ...all, since: 0, tail: 5 }))
      valueOf(await bench.provider.halt(subject, unhurried()))
      await read(subject, all)
      await read(subject, { ...all, follow: true })
    })

    it('is followed until the main process ends', async () => {
      const subject = await up(bench.provider, newSubject(bench.recipe()))
      const following = read(subject, { ...all, follow: true })
      valueOf(await bench.provider.halt(subject, unhurried()))
      await following
    })

    it('is followed until nobody listens any more', async () => {
      const subject = await up(bench.provider, newSubject(bench.recipe()))
      const leaving = new AbortController()
      const heard = valueOf(await bench.provider.inside.logs(subject, { ...all, follow: true }, leaving.signal))
      const over = (async () => {
        for await (const piece of heard) expect(piece.bytes.length).toBeGreaterThan(0)
      })()
      leaving.abort()
      await over
    })
  })

  describe('the output of lifecycle commands', () => {
    it('is told whole, with the name of the command, also of one that fails', async () => {
      const run = "head -c 100000 /dev/zero; printf 'a\\377\\n' >&2; exit 3"
      const recipe = bench.recipe({
        onCreate: [{ name: 'onCreateCommand', run: 'echo first' }],
        postStart: [{ name: 'postStartCommand.one', run }],
      })
      const subject = await up(bench.provider, newSubject(recipe))
      const heard: { command: string; output: RunOutput }[] = []
      const outcome = await bench.provider.setup(
        subject,
        unhurried(),
        () => undefined,
        (command, output) => heard.push({ command, output }),
      )
      expect(outcome.ok).toBe(false)
      // A provider may write down both streams as one.
      const of = (wanted: string) =>
        Buffer.concat(
          (['stdout', 'stderr'] as const).flatMap((stream) =>
            heard
              .filter(({ command, output }) => command === wanted && output.stream === stream)
              .map(({ output }) => output.bytes),
          ),
        )
      expect(of('onCreateCommand').toString()).toBe('first\n')
      const odd = Buffer.from([0x61, 0xff, 0x0a])
      expect(of('postStartCommand.one').equals(Buffer.concat([Buffer.alloc(100_000), odd]))).toBe(true)
    })
  })
}
