import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Bench } from './bench.ts'
import { connectionOf, faultOf, made, newSubject, seen, setup, stateOf, unhurried, up, valueOf } from './bench.ts'

/** From image to remove: each verb does what it says, and twice is the same as once (law 3). */
export function lifeContract(make: () => Promise<Bench>): void {
  let bench: Bench
  beforeEach(async () => {
    bench = await make()
  })
  afterEach(() => bench.close())

  describe('making a container', () => {
    it('an image that is asked for twice, and twice at once, has one id', async () => {
      const subject = newSubject(bench.recipe())
      const ask = () => bench.provider.image(subject, unhurried(), () => undefined)
      const first = valueOf(await ask())
      expect(first.imageId).not.toBe('')
      const rest = await Promise.all([ask(), ask()])
      expect(rest.map(valueOf)).toEqual([first, first])
    })

    it('a new container is made, not running', async () => {
      const subject = await made(bench.provider, newSubject(bench.recipe()))
      expect(await seen(bench.provider, subject.id)).toMatchObject({
        workspaceId: subject.id,
        containerId: subject.containerId,
        state: { kind: 'made' },
      })
    })

    it('a container that is asked for again is the one that is there', async () => {
      const subject = await made(bench.provider, newSubject(bench.recipe()))
      const forgotten = { ...subject, containerId: null }
      const second = valueOf(await bench.provider.container(forgotten, unhurried()))
      expect(second.containerId).toBe(subject.containerId)
      expect(await stateOf(bench.provider, subject.id)).toBe('made')
    })

    it('two that ask for a container at once get the same one', async () => {
      const blank = newSubject(bench.recipe())
      const { imageId } = valueOf(await bench.provider.image(blank, unhurried(), () => undefined))
      const subject = { ...blank, imageId }
      const providers = [bench.provider, bench.provider, bench.again(), bench.again()]
      const answers = await Promise.all(providers.map((provider) => provider.container(subject, unhurried())))
      expect(new Set(answers.map((answer) => valueOf(answer).containerId)).size).toBe(1)
      expect(await stateOf(bench.provider, subject.id)).toBe('made')
    })

    it('a restarted service adopts the running container that its predecessor made, and leaves it running', async () => {
      const subject = await up(bench.provider, newSubject(bench.recipe()))
      const successor = bench.again()
      const before = await connectionOf(bench.provider, subject.id)
      const { containerId } = valueOf(await successor.container({ ...subject, containerId: null }, unhurried()))
      expect(containerId).toBe(subject.containerId)
      expect(await connectionOf(successor, subject.id)).toEqual(before)
    })

    it('a container that was removed by hand is made anew', async () => {
      const subject = await made(bench.provider, newSubject(bench.recipe()))
      await bench.removeByHand(subject.containerId)
      expect(await stateOf(bench.provider, subject.id)).toBe('none')
      const { containerId } = valueOf(await bench.provider.container({ ...subject, containerId: null }, unhurried()))
      expect((await seen(bench.provider, subject.id))?.containerId).toBe(containerId)
    })
  })

  describe('booting', () => {
    it('a booted container runs, and its connection is the one that boot answered', async () => {
      const subject = await made(bench.provider, newSubject(bench.recipe()))
      const { connection } = valueOf(await bench.provider.boot(subject, unhurried()))
      expect(await connectionOf(bench.provider, subject.id)).toEqual(connection)
    })

    it('a boot that is repeated, in sequence and at once, changes nothing', async () => {
      const subject = await made(bench.provider, newSubject(bench.recipe()))
      const boot = (provider = bench.provider) => provider.boot(subject, unhurried())
      const answers = [...(await Promise.all([boot(), boot(), boot(bench.again())])), await boot(bench.again())]
      const connection = await connectionOf(bench.provider, subject.id)
      expect(answers.map((answer) => valueOf(answer).connection)).toEqual(answers.map(() => connection))
    })

    it('a boot of a container that was removed is told that it is gone', async () => {
      const subject = await made(bench.provider, newSubject(bench.recipe()))
      await bench.removeByHand(subject.containerId)
      expect(faultOf(await bench.provider.boot(subject, unhurried())).again).toBe('gone')
    })

    it('a setup in a container that was removed is told that it is gone', async () => {
      const recipe = bench.recipe({ postStart: [{ name: 'postStartCommand', run: 'true' }] })
      const subject = await up(bench.provider, newSubject(recipe))
      await bench.removeByHand(subject.containerId)
      expect(faultOf(await setup(bench.provider, subject)).again).toBe('gone')
    })

    it('a halted container boots again as the same container', async () => {
      const subject = await up(bench.provider, newSubject(bench.recipe()))
      valueOf(await bench.provider.halt(subject, unhurried()))
      valueOf(await bench.provider.boot(subject, unhurried()))
      expect(await seen(bench.provider, subject.id)).toMatchObject({
        containerId: subject.containerId,
        state: { kind: 'running' },
      })
    })

    it('a container that was killed boots again', async () => {
      const subject = await up(bench.provider, newSubject(bench.recipe()))
      await bench.kill(subject.containerId)
      valueOf(await bench.provider.boot(subject, unhurried()))
      expect(await stateOf(bench.provider, subject.id)).toBe('running')
    })
  })

  describe('halting and removing', () => {
    it('a halted container has exited, not with its engine', async () => {
      const subject = await up(bench.provider, newSubject(bench.recipe()))
      valueOf(await bench.provider.halt(subject, unhurried()))
      expect(await seen(bench.provider, subject.id)).toMatchObject({
        state: { kind: 'exited', exit: { outOfMemory: false, withEngine: false } },
      })
    })

    it('a halt that is repeated, in sequence and at once, succeeds', async () => {
      const subject = await up(bench.provider, newSubject(bench.recipe()))
      const halt = (provider = bench.provider) => provider.halt(subject, unhurried())
      for (const answer of await Promise.all([halt(), halt(), halt(bench.again())])) valueOf(answer)
      valueOf(await halt())
      expect(await stateOf(bench.provider, subject.id)).toBe('exited')
    })

    it('a halt of what was never started, or is not there, succeeds', async () => {
      valueOf(await bench.provider.halt(newSubject(bench.recipe()), unhurried()))
      const subject = await made(bench.provider, newSubject(bench.recipe()))
      valueOf(await bench.provider.halt(subject, unhurried()))
      await bench.removeByHand(subject.containerId)
      valueOf(await bench.provider.halt(subject, unhurried()))
    })

    it('a removed container is in no list, made, running or exited as it was', async () => {
      const one = await made(bench.provider, newSubject(bench.recipe()))
      const two = await up(bench.provider, newSubject(bench.recipe()))
      const three = await up(bench.provider, newSubject(bench.recipe()))
      valueOf(await bench.provider.halt(three, unhurried()))
      for (const { id, containerId } of [one, two, three]) {
        valueOf(await bench.provider.remove(id, containerId, unhurried()))
        expect(await stateOf(bench.provider, id)).toBe('none')
      }
    })

    it('a remove that knows no container id finds the container by its workspace', async () => {
      const subject = await up(bench.provider, newSubject(bench.recipe()))
      valueOf(await bench.again().remove(subject.id, null, unhurried()))
      expect(await stateOf(bench.provider, subject.id)).toBe('none')
    })

    it('a remove that is repeated, in sequence and at once, succeeds', async () => {
      const { id, containerId } = await up(bench.provider, newSubject(bench.recipe()))
      const remove = (provider = bench.provider) => provider.remove(id, containerId, unhurried())
      for (const answer of await Promise.all([remove(), remove(), remove(bench.again())])) valueOf(answer)
      valueOf(await remove())
      expect(await stateOf(bench.provider, id)).toBe('none')
    })

    it('a remove of what is not there succeeds', async () => {
      valueOf(await bench.provider.remove(newSubject(bench.recipe()).id, null, unhurried()))
      const subject = await up(bench.provider, newSubject(bench.recipe()))
      await bench.removeByHand(subject.containerId)
      valueOf(await bench.provider.remove(subject.id, subject.containerId, unhurried()))
    })

    it('a remove leaves the other workspaces alone', async () => {
      const doomed = await up(bench.provider, newSubject(bench.recipe()))
      const bystander = await up(bench.provider, newSubject(bench.recipe()))
      const before = await seen(bench.provider, bystander.id)
      valueOf(await bench.provider.remove(doomed.id, doomed.containerId, unhurried()))
      expect(await seen(bench.provider, bystander.id)).toEqual(before)
    })
  })

  describe('looking', () => {
    it('an inventory shows every container in its state', async () => {
      const one = await made(bench.provider, newSubject(bench.recipe()))
      const two = await up(bench.provider, newSubject(bench.recipe()))
      const three = await up(bench.provider, newSubject(bench.recipe()))
      valueOf(await bench.provider.halt(three, unhurried()))
      const listed = valueOf(await bench.again().inventory(unhurried()))
      const kinds = new Map(listed.map((found) => [found.workspaceId, found.state.kind]))
      const expected = new Map([
        [one.id, 'made'],
        [two.id, 'running'],
        [three.id, 'exited'],
      ])
      expect(kinds).toEqual(expected)
    })

    it('a container that was killed from outside has exited by itself, with the code of a kill or none', async () => {
      const subject = await up(bench.provider, newSubject(bench.recipe()))
      await bench.kill(subject.containerId)
      const found = await seen(bench.provider, subject.id)
      if (found?.state.kind !== 'exited') expect.fail(`exited was expected, not ${JSON.stringify(found)}`)
      expect([137, null]).toContain(found.state.exit.code)
      expect(found.state.exit).toMatchObject({ outOfMemory: false, withEngine: false })
    })

    it('a workspace without a container is not there', async () => {
      expect(await stateOf(bench.provider, newSubject(bench.recipe()).id)).toBe('none')
    })

    it('an engine that answers is ready', async () => {
      valueOf(await bench.provider.ready(unhurried()))
    })
  })
}
