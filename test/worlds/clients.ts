import type { Asker, Created, Told } from '../../src/supervisor/asked.ts'
import type { Ask } from '../../src/supervisor/supervisor.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import { isToldDeleted } from './ledger.ts'
import type { Answer, Known } from './ledger.ts'
import { owners, supervisorOf } from './simulated-world.ts'
import type { SimulatedWorld } from './simulated-world.ts'
import type { Doing } from './world-plan.ts'
import type { WorldProcess } from './world-process.ts'

const day = 24 * 60 * 60_000

/** Several clients, none of whom waits for another, nor for the answer to what it asked before. */
export function clients(world: SimulatedWorld) {
  const { clock, history, ledger } = world
  const keys = new Map<string, { readonly id: WorkspaceId; readonly latest: number }>()
  /** The latest that the wall clock has ever shown: an answer is kept for a day by that. */
  let latest = 0

  /** Whoever asks a process that dies hears nothing. */
  async function heard<T>(process: WorldProcess, asked: Promise<T>): Promise<T | undefined> {
    try {
      const answer = await asked
      if (!process.alive()) return undefined
      for (const wrong of history.follow()) world.blame(wrong)
      return answer
    } catch (error) {
      if (process.alive()) world.blame(`a request threw: ${String(error)}`)
      return undefined
    }
  }

  /** Law 2: whoever is told of something finds it on the disk. */
  function written(it: Known, said: string, at: number): number {
    return history.lives.get(it.id)?.lines.filter((line) => line.event === said && line.at === at).length ?? 0
  }

  function tell(it: Known, ask: Ask) {
    const process = world.process()
    const asker = owners.find(({ owner }) => owner === it.owner)
    if (!process || !asker) return
    const [told, at] = [isToldDeleted(it), clock.now()]
    const request = ledger.ask(it, ask.type, at, clock.monotonic())
    world.say(`${it.owner} says ${ask.type} to ${it.label}`)
    void heard(process, process.supervisor.tell(it.id, asker, ask)).then((answer) => {
      ledger.answered(request, answer?.kind ?? 'unheard')
      if (!answer) return
      world.say(`${it.owner} is answered ${answer.kind} about ${ask.type} of ${it.label}`)
      judge(it, ask.type, at, answer, told)
    })
  }

  function judge(it: Known, said: Ask['type'], at: number, { kind }: Told, toldDeleted: boolean) {
    if (toldDeleted && kind !== 'unknown') world.blame(`law 2: ${it.label} was told deleted, and answers ${kind}`)
    if (kind === 'accepted' && written(it, said, at) === 0)
      world.blame(`law 2: ${said} of ${it.label} was accepted and is not on the disk`)
    if (kind === 'refused' && said === 'delete') world.blame(`law 4: a delete of ${it.label} was refused`)
    if (kind === 'refused' && said === 'amend') world.blame(`an amend of ${it.label} was refused`)
    const ended = history.lives.get(it.id)?.lines.some(({ to }) => to.startsWith('delet')) ?? false
    if (kind === 'unknown' && !ended) world.blame(`law 2: ${it.label} is unknown to its owner and was never deleted`)
  }

  function create(doing: Doing & { do: 'create' }) {
    const process = world.process()
    const asker = owners[doing.owner]
    if (!process || !asker) return
    const { ttlSeconds, template } = doing
    const wish = { name: `n${doing.name}`, template, ttlSeconds, metadata: null }
    const once =
      doing.key === null
        ? undefined
        : {
            key: `k${doing.key}`,
            fingerprint: JSON.stringify(wish),
            answer: (made: { kind: string }) => ('snapshot' in made ? idOf(made as Made) : ''),
          }
    world.say(`${asker.owner} creates ${wish.name} from ${template}, TTL ${ttlSeconds} ${once?.key ?? ''}`)
    void heard(process, process.supervisor.create(wish, asker, once)).then((answer) => {
      if (!answer) return
      world.say(`${asker.owner} is answered ${answer.kind} about creating ${wish.name}`)
      made(answer, asker, once && `${asker.owner} ${once.key}`)
    })
  }

  function made(answer: Created, { owner }: Asker, key: string | undefined) {
    if (answer.kind === 'no-such-template') world.blame('a template that is there is not found')
    if (answer.kind === 'repeated' && key !== undefined) {
      const known = keys.get(key)
      if (known && known.id !== answer.answer) world.blame(`${key} is answered with another workspace than at first`)
      if (!ledger.find(answer.answer as WorkspaceId)) world.blame(`law 2: ${key} is answered with no known workspace`)
    }
    if (answer.kind !== 'created') return
    const id = answer.seen.kind === 'readable' ? answer.seen.snapshot.context.id : answer.seen.row.id
    const it = ledger.find(id)
    if (!it || it.owner !== owner) return world.blame('law 2: a create was answered and is not on the disk')
    const [first] = it.requests
    if (first) ledger.answered(first, 'accepted')
    if (key === undefined) return
    const before = keys.get(key)
    if (before && latest - before.latest < day) world.blame(`${key} has made two workspaces within a day`)
    keys.set(key, { id, latest })
  }

  /** Law 11: whoever is not the owner is told what is told of one that does not exist. */
  function trespass(it: Known) {
    const process = world.process()
    const other = owners.find(({ owner }) => owner !== it.owner)
    if (!process || !other) return
    void heard(process, process.supervisor.tell(it.id, other, { type: 'delete' })).then((answer) => {
      if (answer && answer.kind !== 'unknown')
        world.blame(`law 11: ${other.owner} is answered ${answer.kind} about ${it.label}, which is ${it.owner}'s`)
    })
  }

  return {
    create,
    tell,
    trespass,
    /** Law 2, the other way round: what was refused, or never asked, is not on the disk either. */
    unasked(): void {
      latest = Math.max(latest, clock.now())
      for (const it of ledger.known()) {
        const lines = history.lives.get(it.id)?.lines ?? []
        for (const line of lines.filter(({ by, event }) => by.startsWith('user:') && event !== 'create')) {
          const asked = it.requests.filter(
            ({ said, at, answer }) => said === line.event && at === line.at && may(answer),
          )
          if (asked.length < written(it, line.event, line.at))
            world.blame(`law 2: ${it.label} has done "${line.event}", which nobody asked for or was told was not done`)
        }
      }
    },
    idle: (): boolean => supervisorOf(world) === undefined || ledger.waiting() === 0,
  }
}

type Made = { readonly snapshot: { readonly context: { readonly id: string } } }
const idOf = (made: Made) => made.snapshot.context.id
const may = (answer: Answer) => answer === 'pending' || answer === 'accepted' || answer === 'unheard'
