import { checkRest } from './coming-to-rest.ts'
import { doer } from './doings.ts'
import { simulatedWorld, supervisorOf } from './simulated-world.ts'
import type { SimulatedWorld } from './simulated-world.ts'
import type { WorldDisk } from './world-disk.ts'
import type { Plan } from './world-plan.ts'
import type { Spoil } from './world-process.ts'

/** What came of a world. */
export interface Played {
  readonly violations: readonly string[]
  /** What happened, line by line. The same in every run of a plan. */
  readonly trace: readonly string[]
}

const minute = 60_000

/** Plays one world to its end: its doings, then hours without any fault, then a last create, and a delete of everything. */
export async function play(disk: WorldDisk, plan: Plan, spoil: Spoil = {}): Promise<Played> {
  disk.wipe()
  let look = () => {}
  const world = simulatedWorld(disk, { plan, spoil, afterRing: () => look() })
  const actor = doer(world)
  look = onChange(world, actor.look)
  try {
    world.engine.turn(plan.temper)
    for (const doing of plan.doings) {
      await actor.do(doing)
      if (world.violations.length > 0) break
    }
    if (world.violations.length === 0) await end(world, actor)
  } catch (error) {
    world.blame(`the world broke down: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  }
  await world.stop('kill')
  return { violations: world.violations, trace: world.trace }
}

async function end(world: SimulatedWorld, { mend, look, client }: ReturnType<typeof doer>) {
  const { clock, disk } = world
  await mend()
  await clock.pass(75 * minute)
  // One may have expired just now.
  for (let left = 10; left > 0 && disk.rows().some(({ status }) => status === 'deleting'); left -= 1)
    await clock.pass(minute)
  look()
  checkRest(world)
  if (world.violations.length > 0) return
  client.create({ do: 'create', owner: 0, name: 99, template: 'base', ttlSeconds: null, key: null })
  await clock.pass(5 * minute)
  look()
  const made = disk.rows().find(({ name }) => name === 'n99')
  if (made?.status !== 'running') world.blame('in the end a new workspace does not come up')
  for (const it of world.ledger.known()) if (disk.row(it.id)) client.tell(it, { type: 'delete' })
  await clock.pass(10 * minute)
  look()
  checkRest(world)
  if (!client.idle()) world.blame('somebody waits for an answer in the end')
  for (const { label } of world.ledger.known().filter(({ id }) => disk.row(id)))
    world.blame(`law 4: ${label} was deleted, and is still there`)
  if (!supervisorOf(world)) world.blame('nobody serves in the end')
}

/** Looks only when something has changed since: most rings are sweeps that find nothing to do. */
function onChange(world: SimulatedWorld, look: () => void): () => void {
  let seen = ''
  return () => {
    if (!world.process()) return
    const states = [...world.engine.host.containers.values()].map(({ state }) => state.kind)
    const now = [world.trace.length, world.history.keeps(), ...states].join()
    if (now === seen) return
    look()
    seen = now
  }
}
