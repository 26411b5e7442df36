import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Provider } from '../../src/provider/provider.ts'
import type { Outcome } from '../../src/workspace/fault.ts'
import type { Subject } from '../../src/workspace/subject.ts'
import type { Bench } from './bench.ts'
import { faultOf, made, newSubject, seen, setup, stateOf, unhurried, up, valueOf } from './bench.ts'

type Verb = (provider: Provider, subject: Subject, signal: AbortSignal) => Promise<Outcome<unknown>>

const verbs: Readonly<Record<string, Verb>> = {
  image: (provider, subject, signal) => provider.image(subject, signal, () => undefined),
  container: (provider, subject, signal) => provider.container(subject, signal),
  boot: (provider, subject, signal) => provider.boot(subject, signal),
  setup: (provider, subject, signal) => provider.setup(subject, signal, () => undefined),
  halt: (provider, subject, signal) => provider.halt(subject, signal),
  remove: (provider, subject, signal) => provider.remove(subject.id, subject.containerId, signal),
  inspect: (provider, subject, signal) => provider.inspect(subject.id, signal),
  inventory: (provider, _subject, signal) => provider.inventory(signal),
  ready: (provider, _subject, signal) => provider.ready(signal),
}

/** What a provider keeps its hands off (law 8), names that are only data, and requests that nobody waits for any more. */
export function boundariesContract(make: () => Promise<Bench>, shell: boolean): void {
  let bench: Bench
  beforeEach(async () => {
    bench = await make()
  })
  afterEach(() => bench.close())

  describe('beside another installation', () => {
    it('sees none of its containers, and none of ours is seen by it', async () => {
      const ours = await up(bench.provider, newSubject(bench.recipe()))
      const other = bench.other()
      const theirs = await made(other, newSubject(bench.recipe()))
      expect(await stateOf(other, ours.id)).toBe('none')
      expect(await stateOf(bench.provider, theirs.id)).toBe('none')
      valueOf(await other.remove(theirs.id, theirs.containerId, unhurried()))
    })

    it('does not remove a container of ours whose id it was given', async () => {
      const ours = await up(bench.provider, newSubject(bench.recipe()))
      const before = await seen(bench.provider, ours.id)
      const other = bench.other()
      await other.remove(ours.id, ours.containerId, unhurried())
      await other.remove(newSubject(bench.recipe()).id, ours.containerId, unhurried())
      expect(await seen(bench.provider, ours.id)).toEqual(before)
    })

    it('does not halt a container of ours', async () => {
      const ours = await up(bench.provider, newSubject(bench.recipe()))
      const before = await seen(bench.provider, ours.id)
      await bench.other().halt(ours, unhurried())
      expect(await seen(bench.provider, ours.id)).toEqual(before)
    })

    it('does not boot a container of ours', async () => {
      const ours = await made(bench.provider, newSubject(bench.recipe()))
      expect(faultOf(await bench.other().boot(ours, unhurried())).again).toBe('gone')
      expect(await stateOf(bench.provider, ours.id)).toBe('made')
    })
  })

  describe('given names that are not nice', () => {
    const nasty = [
      'x; touch pwned',
      '$(touch pwned)',
      '`touch pwned`',
      '../../../pwned',
      'a\nb: c\r\n"d"',
      "o'clock\\",
      '-rf',
      'ünï 🦊',
    ]

    it.each(nasty)('a workspace called %j is made, booted and removed like any other', async (name) => {
      const subject = await up(bench.provider, newSubject(bench.recipe(), { name, owner: name }))
      valueOf(await setup(bench.provider, subject))
      expect(await stateOf(bench.provider, subject.id)).toBe('running')
      valueOf(await bench.provider.remove(subject.id, subject.containerId, unhurried()))
      expect(await stateOf(bench.provider, subject.id)).toBe('none')
    })
  })

  describe('when nobody waits any more', () => {
    it('whatever it is, it settles soon with a signal that is aborted already, without a throw', async () => {
      const subject = await up(bench.provider, newSubject(bench.recipe()))
      for (const [name, verb] of Object.entries(verbs)) {
        const begun = performance.now()
        await verb(bench.provider, subject, AbortSignal.abort())
        expect(performance.now() - begun, name).toBeLessThan(3_000)
      }
    })

    it.runIf(shell)('a setup whose signal is aborted on the way settles soon', async () => {
      const recipe = bench.recipe({ postStart: [{ name: 'postStartCommand', run: 'echo begun; sleep 300' }] })
      const subject = await up(bench.provider, newSubject(recipe))
      const signal = AbortSignal.timeout(500)
      const begun = performance.now()
      expect((await bench.provider.setup(subject, signal, () => undefined)).ok).toBe(false)
      expect(performance.now() - begun).toBeLessThan(5_000)
    })
  })
}
