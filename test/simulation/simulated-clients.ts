import type { CreateResult } from '../../src/supervisor/admission.ts'
import type { Caller } from '../../src/workspace/caller.ts'
import type { CommandResult } from '../../src/supervisor/commands.ts'
import type { UserCommandRequest } from '../../src/supervisor/commands.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import { isDeleteAcknowledged } from './ledger.ts'
import type { CommandOutcome, LedgerWorkspace } from './ledger.ts'
import { simulatedOwners, currentSupervisor } from './simulation.ts'
import type { Simulation } from './simulation.ts'
import type { Operation } from './plan.ts'
import type { SimulatedProcess } from './simulated-process.ts'

const day = 24 * 60 * 60_000

/** Several clients. None waits for another one, nor for the answer to its own earlier request. */
export function simulatedClients(simulation: Simulation) {
  const { clock, history, ledger } = simulation
  const keys = new Map<string, { readonly id: WorkspaceId; readonly latest: number }>()
  /** The latest time of the wall clock so far, on which the day of an idempotency key is based. */
  let latest = 0

  /** Returns `undefined` if the process dies before it answers. */
  async function responseFrom<T>(current: SimulatedProcess, pending: Promise<T>): Promise<T | undefined> {
    try {
      const answer = await pending
      if (!current.alive()) return undefined
      for (const violation of history.readNew()) simulation.reportViolation(violation)
      return answer
    } catch (error) {
      if (current.alive()) simulation.reportViolation(`a request threw: ${String(error)}`)
      return undefined
    }
  }

  /** Counts the journal lines of a command. Law 2: an acknowledged command has one. */
  function journalEntries(workspace: LedgerWorkspace, command: string, at: number): number {
    return (
      history.workspaces.get(workspace.id)?.lines.filter((line) => line.event === command && line.at === at).length ?? 0
    )
  }

  function sendCommand(workspace: LedgerWorkspace, command: UserCommandRequest) {
    const current = simulation.process()
    const caller = simulatedOwners.find(({ owner }) => owner === workspace.owner)
    if (!current || !caller) return
    const [alreadyDeleted, at] = [isDeleteAcknowledged(workspace), clock.now()]
    const request = ledger.recordRequest(workspace, command.type, at, clock.monotonic())
    simulation.log(`${workspace.owner} sends ${command.type} to ${workspace.label}`)
    void responseFrom(current, current.supervisor.send(workspace.id, caller, command)).then((answer) => {
      ledger.recordOutcome(request, answer?.kind ?? 'unanswered')
      if (!answer) return
      simulation.log(`${workspace.owner} gets ${answer.kind} for ${command.type} of ${workspace.label}`)
      checkResult(workspace, command.type, at, answer, alreadyDeleted)
    })
  }

  function checkResult(
    workspace: LedgerWorkspace,
    command: UserCommandRequest['type'],
    at: number,
    { kind }: CommandResult,
    alreadyDeleted: boolean,
  ) {
    if (alreadyDeleted && kind !== 'not-found')
      simulation.reportViolation(`law 2: ${workspace.label} answers ${kind} after its delete was acknowledged`)
    if (kind === 'accepted' && journalEntries(workspace, command, at) === 0)
      simulation.reportViolation(`law 2: ${command} of ${workspace.label} was accepted but is not on disk`)
    if (kind === 'refused' && command === 'delete')
      simulation.reportViolation(`law 4: a delete of ${workspace.label} was refused`)
    if (kind === 'refused' && command === 'update')
      simulation.reportViolation(`an update of ${workspace.label} was refused`)
    const wasDeleted = history.workspaces.get(workspace.id)?.lines.some(({ to }) => to.startsWith('delet')) ?? false
    if (kind === 'not-found' && !wasDeleted)
      simulation.reportViolation(`law 2: ${workspace.label} is unknown to its owner and was never deleted`)
  }

  function createWorkspace(operation: Operation & { kind: 'create' }) {
    const current = simulation.process()
    const caller = simulatedOwners[operation.owner]
    if (!current || !caller) return
    const { ttlSeconds, template } = operation
    const createRequest = { name: `n${operation.name}`, template, ttlSeconds, metadata: null }
    const idempotency =
      operation.key === null
        ? undefined
        : {
            key: `k${operation.key}`,
            fingerprint: JSON.stringify(createRequest),
            renderResponse: (result: { kind: string }) =>
              'snapshot' in result ? createdIdOf(result as CreatedResult) : '',
          }
    simulation.log(
      `${caller.owner} creates ${createRequest.name} from ${template}, TTL ${ttlSeconds} ${idempotency?.key ?? ''}`,
    )
    void responseFrom(current, current.supervisor.create(createRequest, caller, idempotency)).then((answer) => {
      if (!answer) return
      simulation.log(`${caller.owner} gets ${answer.kind} for creating ${createRequest.name}`)
      recordCreated(answer, caller, idempotency && `${caller.owner} ${idempotency.key}`)
    })
  }

  function recordCreated(answer: CreateResult, { owner }: Caller, key: string | undefined) {
    if (answer.kind === 'unknown-template') simulation.reportViolation('an existing template is not found')
    if (answer.kind === 'replayed' && key !== undefined) {
      const known = keys.get(key)
      if (known && known.id !== answer.response)
        simulation.reportViolation(`${key} is answered with a different workspace than before`)
      if (!ledger.find(answer.response as WorkspaceId))
        simulation.reportViolation(`law 2: ${key} is answered with an unknown workspace`)
    }
    if (answer.kind !== 'created') return
    const id = answer.view.kind === 'live' ? answer.view.snapshot.context.id : answer.view.row.id
    const workspace = ledger.find(id)
    if (!workspace || workspace.owner !== owner)
      return simulation.reportViolation('law 2: a create was acknowledged but is not on disk')
    const [first] = workspace.requests
    if (first) ledger.recordOutcome(first, 'accepted')
    if (key === undefined) return
    const before = keys.get(key)
    if (before && latest - before.latest < day)
      simulation.reportViolation(`${key} has made two workspaces within a day`)
    keys.set(key, { id, latest })
  }

  /** Law 11: for other users, the workspace does not exist. */
  function sendAsOther(workspace: LedgerWorkspace) {
    const current = simulation.process()
    const otherCaller = simulatedOwners.find(({ owner }) => owner !== workspace.owner)
    if (!current || !otherCaller) return
    void responseFrom(current, current.supervisor.send(workspace.id, otherCaller, { type: 'delete' })).then(
      (answer) => {
        if (answer && answer.kind !== 'not-found')
          simulation.reportViolation(
            `law 11: ${otherCaller.owner} gets ${answer.kind} for ${workspace.label}, which is ${workspace.owner}'s`,
          )
      },
    )
  }

  return {
    create: createWorkspace,
    send: sendCommand,
    sendAsOther,
    /** The converse of law 2: commands that were refused or never sent are not on disk. */
    checkUnrequested(): void {
      latest = Math.max(latest, clock.now())
      for (const workspace of ledger.all()) {
        const lines = history.workspaces.get(workspace.id)?.lines ?? []
        for (const line of lines.filter(({ by, event }) => by.startsWith('user:') && event !== 'create')) {
          const matching = workspace.requests.filter(
            ({ command, at, outcome }) => command === line.event && at === line.at && mayHaveHappened(outcome),
          )
          if (matching.length < journalEntries(workspace, line.event, line.at))
            simulation.reportViolation(
              `law 2: ${workspace.label} executed "${line.event}", which no client requested or which was reported as failed`,
            )
        }
      }
    },
    idle: (): boolean => currentSupervisor(simulation) === undefined || ledger.openCount() === 0,
  }
}

type CreatedResult = { readonly snapshot: { readonly context: { readonly id: string } } }
const createdIdOf = (result: CreatedResult) => result.snapshot.context.id
const mayHaveHappened = (outcome: CommandOutcome) =>
  outcome === 'pending' || outcome === 'accepted' || outcome === 'unanswered'
