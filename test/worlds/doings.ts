import { clients } from './clients.ts'
import { checkInvariants } from './invariants.ts'
import { isToldDeleted } from './ledger.ts'
import type { Known } from './ledger.ts'
import type { SimulatedWorld } from './simulated-world.ts'
import { ours } from './unruly-engine.ts'
import type { Doing } from './world-plan.ts'

/** Carries out one doing after the other; what has to hold is looked at after each, and after each ring of the clock. */
export function doer(world: SimulatedWorld) {
  const { chance, clock, engine, frailty, ledger, say } = world
  const client = clients(world)

  /** Now and then somebody asks for one that is deleted already. */
  const one = (which: number): Known | undefined => {
    const all = ledger.known()
    const there = all.filter((it) => !isToldDeleted(it))
    return which === 11 ? all[0] : there[which % Math.max(1, there.length)]
  }

  function hand(which: number, what: (Doing & { do: 'hand' })['what']) {
    const containers = [...engine.host.containers.values()].filter(
      ({ installation, containerId }) => installation === ours && containerId !== world.strangers.unheardOf,
    )
    const container = containers[which % Math.max(1, containers.length)]
    if (!container) return
    const { host } = engine
    say(`by hand: ${what} ${ledger.find(container.workspaceId)?.label}`)
    const exit = { code: 137, outOfMemory: what === 'out-of-memory', withEngine: false }
    if (what === 'remove') {
      host.blame(container.workspaceId, 'removed')
      return host.remove(container)
    }
    if (what !== 'run') {
      host.blame(container.workspaceId, what === 'out-of-memory' ? 'out-of-memory' : 'ended')
      host.end(container, exit)
    }
    if (what === 'kill' || what === 'out-of-memory') return
    host.blame(container.workspaceId, 'run-by-hand')
    host.run(container)
  }

  async function end(how: 'kill' | 'close', downMs: number) {
    say(how)
    world.disturb()
    await world.stop(how)
    await clock.pass(downMs)
    world.start()
  }

  async function act(doing: Doing): Promise<void> {
    switch (doing.do) {
      case 'create':
        return client.create(doing)
      case 'start':
      case 'stop':
      case 'restart':
      case 'delete':
        return told(doing.which, (it) => client.tell(it, { type: doing.do }))
      case 'rename':
        return told(doing.which, (it) => client.tell(it, { type: 'amend', name: `n${doing.name}` }))
      case 'keep':
        return told(doing.which, (it) => client.tell(it, { type: 'amend', ttlSeconds: doing.ttlSeconds }))
      case 'trespass':
        return told(doing.which, client.trespass)
      case 'pass':
        return await clock.pass(doing.ms)
      case 'freeze':
        say(`everything is frozen for ${doing.ms} ms`)
        world.disturb()
        world.heldUpUntil = clock.monotonic() + doing.ms
        return await clock.freeze(doing.ms)
      case 'jump':
        await clock.settle() // between a decision and its commit there is one turn: no time for a clock to be set
        say(`the wall clock jumps by ${doing.ms} ms`)
        world.jumps.push({ moment: clock.monotonic(), ms: doing.ms })
        return clock.jump(doing.ms)
      case 'hand':
        return hand(doing.which, doing.what)
      case 'turn':
        say(`the engine turns ${doing.temper}`)
        return engine.turn(doing.temper)
      case 'leave':
        say(`the engine is away for ${doing.ms} ms${doing.restart ? ', and restarts' : ''}`)
        world.disturb()
        clock.timer(doing.ms, world.disturb)
        return engine.leave(doing.ms, doing.restart)
      case 'lose':
        frailty[doing.what] = doing.count
        return
      case 'fill':
        say(`the disk is full for ${doing.ms} ms`)
        frailty.full = true
        clock.timer(doing.ms, () => (frailty.full = false))
        return
      case 'kill':
        if (doing.when === 'now') return await end('kill', doing.downMs)
        frailty.death = doing.when
        return
      case 'close':
        return await end('close', doing.downMs)
    }
  }

  function told(which: number, tell: (it: Known) => void) {
    const it = one(which)
    if (it) tell(it)
  }

  function look() {
    checkInvariants(world)
    client.unasked()
  }

  return {
    look,
    client,
    async do(doing: Doing): Promise<void> {
      await act(doing)
      // Half of the commands are given in the same turn as the next: they do not wait for each other's commit.
      if (world.process() && chance.happens(0.5)) {
        await clock.settle()
        look()
      }
      if (world.process()) return
      await clock.settle()
      await world.bury()
      world.start()
    },
    /** Everything that went wrong is over: the engine behaves, the disk takes what it is given, somebody serves. */
    async mend() {
      await clock.settle()
      if (!world.process() || frailty.full || engine.away()) world.disturb()
      Object.assign(frailty, { groups: 0, one: 0, full: false, death: null })
      engine.turn('even')
      engine.comeBack()
      await world.bury()
      world.start()
    },
  }
}
