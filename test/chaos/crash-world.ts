import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { client } from './client.ts'
import type { EngineUnderFire } from './engine-under-fire.ts'
import type { Evidence } from './evidence.ts'
import { readDatabase } from './evidence.ts'
import { follower } from './follower.ts'
import type { Heard } from './heard.ts'
import type { Chance } from '../chance.ts'
import { chance } from '../chance.ts'
import type { Death, Point, ServiceUnderFire } from './service-under-fire.ts'
import { pointKinds, startUnderFire } from './service-under-fire.ts'
import { violations } from './violations.ts'

/** The service has this long to come to itself after a start: then what does not hold yet is a violation. */
const patienceMs = 20_000
/** What the clients of one round ask for, each. */
const requests = 8
/** After so many kills all has to come to rest. */
const restEvery = 10

export interface CrashWorld {
  /** Starts the service, holds what there is against what was heard, lets clients ask, and has it killed. Throws a {@link Violated}. */
  round(): Promise<void>
  /** Lets all come to rest, holds it against what was heard, deletes everything, and ends the service. */
  end(): Promise<void>
  /** Kills so far, by the kind of point that they came at; `outside` for those that came from outside at any time. */
  readonly kills: ReadonlyMap<string, number>
  readonly requests: () => number
}

/** Something does not hold. The message has everything that it takes to look into it. */
export class Violated extends Error {
  override readonly name = 'Violated'
}

/** A service that is killed again and again on one database in `folder`, over an engine that goes on. What happens is decided by `seed`. */
export function crashWorld(seed: number, folder: string, engine: EngineUnderFire): CrashWorld {
  const luck = chance(seed)
  const path = join(folder, 'vm.db')
  const heard: Heard[] = []
  const kills = new Map<string, number>()
  const clients = ['ann', 'ben', 'cleo'].map((user) => client(user, luck.part(user), (each) => void heard.push(each)))
  const env = {
    VM_API_DB_PATH: path,
    VM_API_PROVIDER: 'docker',
    VM_API_TEMPLATES_DIR: writeTemplates(folder, engine.image),
    VM_API_PROVISIONER_INTERVAL: '0.2',
    VM_API_JANITOR_INTERVAL: '1',
    VM_API_OPERATORS: 'ops',
    DOCKER_HOST: engine.dockerHost,
  }
  const points = luck.part('points')
  const hand = luck.part('hand')
  const touched = new Set<string>()
  const reader = follower('ops')
  let asked = 0

  async function look(): Promise<Evidence> {
    // The engine first: a container that is made after the list was taken has its row already.
    const containers = await engine.containers()
    return { heard, events: reader.events, containers, byHand: touched, now: Date.now(), ...readDatabase(path) }
  }

  /**
   * Looks until nothing is wrong: what the service has to find out after its start takes it some turns. Of one that died meanwhile nothing
   * is held.
   */
  async function hold(
    service: ServiceUnderFire,
    alsoWrong: (evidence: Evidence) => readonly string[] = () => [],
  ): Promise<void> {
    const until = Date.now() + patienceMs
    const life = new AbortController()
    void service.died.then(() => life.abort())
    while (!life.signal.aborted) {
      const evidence = await look()
      const wrong = [...violations(evidence), ...alsoWrong(evidence)]
      if (wrong.length === 0) return
      if (Date.now() > until) throw violated(wrong, evidence)
      await delay(20)
    }
  }

  function violated(wrong: readonly string[], { journal }: Pick<Evidence, 'journal'>) {
    const lines = journal.slice(-50).map((line) => JSON.stringify(line))
    return new Violated(
      [`seed ${seed}, after ${total(kills)} kills:`, ...wrong, 'the last lines of the journal:', ...lines].join('\n'),
    )
  }

  /** A service that listens, armed so often; one that is killed as it starts is started again. */
  async function begin(doomed = 0.3): Promise<ServiceUnderFire> {
    for (;;) {
      const service = await startUnderFire(env, points.happens(doomed) ? pointIn(points, 12) : undefined)
      if ('url' in service) {
        reader.follow(service.url)
        return service
      }
      if (service.point === null) throw violated([`the service does not start: ${service.said}`], readDatabase(path))
      count(service)
    }
  }

  function count({ point }: Death) {
    const kind = point?.split(' ')[0] ?? 'outside'
    kills.set(kind, (kills.get(kind) ?? 0) + 1)
  }

  /** What somebody does at the engine, beside the service. */
  async function byHand() {
    if (!hand.happens(0.3)) return
    const running = (await engine.containers()).filter((container) => container.running)
    const victim = running[hand.between(0, running.length - 1)]
    if (!victim) return
    touched.add(victim.workspace)
    await (hand.happens(0.5) ? engine.kill(victim.id) : engine.remove(victim.id))
  }

  /** Checks a service that lives; `false` if it died meanwhile of what it was armed with at its start. */
  async function holdWhileAlive(service: ServiceUnderFire): Promise<boolean> {
    return await Promise.race([hold(service).then(() => true), service.died.then(() => false)])
  }

  return {
    kills,
    requests: () => asked,
    async round() {
      const service = await begin()
      await engine.faults(false)
      if (await holdWhileAlive(service)) {
        if (total(kills) % restEvery === restEvery - 1) await Promise.race([hold(service, unrested), service.died])
        await engine.faults(hand.happens(0.5))
        service.arm(pointIn(points, 60))
        const before = heard.length
        await Promise.all([...clients.map((each) => each.ask(service.url, requests)), byHand()])
        asked += heard.length - before
      }
      // A point that was not reached: then it is killed at any time, from outside.
      count(await Promise.race([service.died, delay(points.between(0, 99)).then(() => service.end('SIGKILL'))]))
    },
    async end() {
      await engine.faults(false)
      const service = await begin(0)
      await hold(service, unrested)
      for (const { id, owner } of readDatabase(path).rows)
        await fetch(`${service.url}/api/v1/workspaces/${id}`, { method: 'DELETE', headers: { 'x-user': owner } })
      await Promise.race([restOf(look), delay(patienceMs)])
      const { rows, containers } = await look()
      reader.close()
      const { code, said } = await service.end('SIGTERM')
      if (rows.length + containers.length > 0 || code !== 0)
        throw violated(
          [`left over: ${JSON.stringify({ rows, containers })}; it ended with ${code}: ${said}`],
          readDatabase(path),
        )
    },
  }
}

/** Waits until there is nothing any more. It is polled: an engine tells nobody that it is empty. */
async function restOf(look: () => Promise<Evidence>): Promise<void> {
  for (;;) {
    const { rows, containers } = await look()
    if (rows.length + containers.length === 0) return
    await delay(20)
  }
}

function unrested({ rows, events, journal, now }: Evidence): string[] {
  const untold = journal.length - events.length
  const late = untold > 0 ? [`the feed has not told of the last ${untold} lines`] : []
  const restless = rows.flatMap(({ id, state, expiresAt }) => {
    if (!['running.up', 'stopped.idle', 'failed'].includes(state))
      return [`workspace ${id} does not come to rest: ${state}`]
    return expiresAt !== null && expiresAt < now ? [`workspace ${id} rests in ${state}, and its TTL is over`] : []
  })
  return [...late, ...restless]
}

function pointIn(luck: Chance, most: number): Point {
  const kind = luck.pick(pointKinds)
  // There are some ten statements in a commit.
  const nth = 1 + Math.floor(luck.luck() ** 2 * most * (kind.startsWith('statement') ? 5 : 1))
  return { kind, nth }
}

export function total(kills: ReadonlyMap<string, number>): number {
  return [...kills.values()].reduce((sum, each) => sum + each, 0)
}

function writeTemplates(folder: string, image: string): string {
  const templates = join(folder, 'templates')
  const one = (name: string, postCreateCommand: string) => {
    mkdirSync(join(templates, name), { recursive: true })
    // Without an init process: an engine of a test's own need not have one.
    writeFileSync(join(templates, name, 'devcontainer.json'), JSON.stringify({ image, init: false, postCreateCommand }))
  }
  one('base', 'true')
  one('broken', 'exit 3')
  return templates
}
