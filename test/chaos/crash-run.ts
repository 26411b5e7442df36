import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { chaosClient } from './chaos-client.ts'
import type { ChaosEngine } from './chaos-engine.ts'
import type { Evidence } from './evidence.ts'
import { readDatabase } from './evidence.ts'
import { eventSubscriber } from './event-subscriber.ts'
import type { ObservedResponse } from './observed-response.ts'
import type { SeededRandom } from '../seeded-random.ts'
import { seededRandom } from '../seeded-random.ts'
import type { ServiceExit, CrashPoint, ChaosService } from './chaos-service.ts'
import { crashPointKinds, startChaosService } from './chaos-service.ts'
import { violations } from './violations.ts'

/** Time to recover after a start. Problems that remain afterwards are violations. */
const settleTimeoutMs = 20_000
/** Requests of each client in a round. */
const requestsPerClient = 8
/** Number of kills after which every workspace must reach a stable state. */
const quiesceEvery = 10

export interface CrashRun {
  /** Starts the service, checks the invariants, sends requests, and kills the service. Throws an {@link InvariantViolation}. */
  round(): Promise<void>
  /** Waits for stable states, checks the invariants, deletes everything, and stops the service. */
  end(): Promise<void>
  /** Kills so far by kind of crash point; `outside` counts kills from outside at a random time. */
  readonly kills: ReadonlyMap<string, number>
  readonly requests: () => number
}

/** An invariant does not hold. The message contains everything needed to investigate. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation'
}

/** Kills a service repeatedly on one database in `folder`, while the engine continues. `seed` determines what happens. */
export function crashRun(seed: number, folder: string, engine: ChaosEngine): CrashRun {
  const random = seededRandom(seed)
  const path = join(folder, 'vm.db')
  const responses: ObservedResponse[] = []
  const kills = new Map<string, number>()
  const clients = ['ann', 'ben', 'cleo'].map((user) =>
    chaosClient(user, random.fork(user), (entry) => void responses.push(entry)),
  )
  const env = {
    VM_API_DB_PATH: path,
    VM_API_PROVIDER: 'docker',
    VM_API_TEMPLATES_DIR: writeTemplates(folder, engine.image),
    VM_API_PROVISIONER_INTERVAL: '0.2',
    VM_API_JANITOR_INTERVAL: '1',
    VM_API_OPERATORS: 'ops',
    DOCKER_HOST: engine.dockerHost,
  }
  const pointRandom = random.fork('points')
  const manualRandom = random.fork('hand')
  const manuallyChanged = new Set<string>()
  const subscriber = eventSubscriber('ops')
  let requestCount = 0

  async function collectEvidence(): Promise<Evidence> {
    // The engine first: a container that is created after the list was read already has its row.
    const containers = await engine.containers()
    return {
      responses,
      events: subscriber.events,
      containers,
      manuallyChanged,
      now: Date.now(),
      ...readDatabase(path),
    }
  }

  /**
   * Polls until there are no violations, because a started service needs some time to reconcile. Returns without a check if the service
   * dies meanwhile.
   */
  async function waitUntilValid(
    service: ChaosService,
    extraChecks: (evidence: Evidence) => readonly string[] = () => [],
  ): Promise<void> {
    const deadlineAt = Date.now() + settleTimeoutMs
    const serviceDied = new AbortController()
    void service.exited.then(() => serviceDied.abort())
    while (!serviceDied.signal.aborted) {
      const evidence = await collectEvidence()
      const problems = [...violations(evidence), ...extraChecks(evidence)]
      if (problems.length === 0) return
      if (Date.now() > deadlineAt) throw violation(problems, evidence)
      await delay(20)
    }
  }

  function violation(problems: readonly string[], { journal }: Pick<Evidence, 'journal'>) {
    const lines = journal.slice(-50).map((line) => JSON.stringify(line))
    return new InvariantViolation(
      [`seed ${seed}, after ${totalKills(kills)} kills:`, ...problems, 'the last lines of the journal:', ...lines].join(
        '\n',
      ),
    )
  }

  /** Starts a service, armed with the given probability. Repeats the start if the service is killed during it. */
  async function startService(crashProbability = 0.3): Promise<ChaosService> {
    for (;;) {
      const service = await startChaosService(
        env,
        pointRandom.chance(crashProbability) ? randomPoint(pointRandom, 12) : undefined,
      )
      if ('url' in service) {
        subscriber.subscribe(service.url)
        return service
      }
      if (service.point === null) throw violation([`the service did not start: ${service.stderr}`], readDatabase(path))
      countKill(service)
    }
  }

  function countKill({ point }: ServiceExit) {
    const kind = point?.split(' ')[0] ?? 'outside'
    kills.set(kind, (kills.get(kind) ?? 0) + 1)
  }

  /** Sometimes kills or removes a container without the service. */
  async function actManually() {
    if (!manualRandom.chance(0.3)) return
    const running = (await engine.containers()).filter((container) => container.running)
    const container = running[manualRandom.integer(0, running.length - 1)]
    if (!container) return
    manuallyChanged.add(container.workspace)
    await (manualRandom.chance(0.5) ? engine.kill(container.id) : engine.remove(container.id))
  }

  /** Checks a running service. False if the service died at the point with which it was armed at its start. */
  async function validateWhileAlive(service: ChaosService): Promise<boolean> {
    return await Promise.race([waitUntilValid(service).then(() => true), service.exited.then(() => false)])
  }

  return {
    kills,
    requests: () => requestCount,
    async round() {
      const service = await startService()
      await engine.setFaults(false)
      if (await validateWhileAlive(service)) {
        if (totalKills(kills) % quiesceEvery === quiesceEvery - 1)
          await Promise.race([waitUntilValid(service, unsettled), service.exited])
        await engine.setFaults(manualRandom.chance(0.5))
        service.arm(randomPoint(pointRandom, 60))
        const countBefore = responses.length
        await Promise.all([
          ...clients.map((entry) => entry.sendRequests(service.url, requestsPerClient)),
          actManually(),
        ])
        requestCount += responses.length - countBefore
      }
      // If the point is not reached, the service is killed from outside at a random time.
      countKill(
        await Promise.race([service.exited, delay(pointRandom.integer(0, 99)).then(() => service.end('SIGKILL'))]),
      )
    },
    async end() {
      await engine.setFaults(false)
      const service = await startService(0)
      await waitUntilValid(service, unsettled)
      for (const { id, owner } of readDatabase(path).rows)
        await fetch(`${service.url}/api/v1/workspaces/${id}`, { method: 'DELETE', headers: { 'x-user': owner } })
      await Promise.race([waitUntilEmpty(collectEvidence), delay(settleTimeoutMs)])
      const { rows, containers } = await collectEvidence()
      subscriber.close()
      const { code, stderr } = await service.end('SIGTERM')
      if (rows.length + containers.length > 0 || code !== 0)
        throw violation(
          [`leftovers: ${JSON.stringify({ rows, containers })}; the service exited with ${code}: ${stderr}`],
          readDatabase(path),
        )
    },
  }
}

/** Waits until no row and no container is left. Polls: an engine does not announce that it is empty. */
async function waitUntilEmpty(collectEvidence: () => Promise<Evidence>): Promise<void> {
  for (;;) {
    const { rows, containers } = await collectEvidence()
    if (rows.length + containers.length === 0) return
    await delay(20)
  }
}

function unsettled({ rows, events, journal, now }: Evidence): string[] {
  const missingEvents = journal.length - events.length
  const lateEvents = missingEvents > 0 ? [`the feed has not delivered the last ${missingEvents} lines`] : []
  const unsettledRows = rows.flatMap(({ id, state, expiresAt }) => {
    if (!['running.up', 'stopped.idle', 'failed'].includes(state))
      return [`workspace ${id} does not reach a stable state: ${state}`]
    return expiresAt !== null && expiresAt < now ? [`workspace ${id} is in ${state} after its TTL`] : []
  })
  return [...lateEvents, ...unsettledRows]
}

function randomPoint(random: SeededRandom, maxNth: number): CrashPoint {
  const kind = random.pick(crashPointKinds)
  // A commit has about ten statements.
  const nth = 1 + Math.floor(random.next() ** 2 * maxNth * (kind.startsWith('statement') ? 5 : 1))
  return { kind, nth }
}

export function totalKills(kills: ReadonlyMap<string, number>): number {
  return [...kills.values()].reduce((sum, entry) => sum + entry, 0)
}

function writeTemplates(folder: string, image: string): string {
  const templates = join(folder, 'templates')
  const writeTemplate = (name: string, postCreateCommand: string) => {
    mkdirSync(join(templates, name), { recursive: true })
    // Without an init process: the engine of a test may not have one.
    writeFileSync(join(templates, name, 'devcontainer.json'), JSON.stringify({ image, init: false, postCreateCommand }))
  }
  writeTemplate('base', 'true')
  writeTemplate('broken', 'exit 3')
  return templates
}
