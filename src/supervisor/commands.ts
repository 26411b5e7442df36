import type { WorkspaceCommand } from '../machines/workspace-event.ts'
import type { StatePath } from '../machines/workspace-snapshot.ts'
import { statePath } from '../machines/workspace-snapshot.ts'
import { isNameTaken } from '../persistence/workspace-store.ts'
import type { Clock } from '../workspace/clock.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { UserCommand } from '../workspace/user-command.ts'
import type { ActorRegistry, WorkspaceView } from './actors.ts'
import type { Admission, NotWrittenResult } from './admission.ts'
import type { Caller } from '../workspace/caller.ts'
import type { TransitionCause } from './commit-log.ts'
import type { Provisioner } from './provisioner.ts'
import type { Queries } from './queries.ts'

/** A command of a user; the supervisor adds the time and the caller. */
export type UserCommandRequest = {
  [Command in WorkspaceCommand as Command['type']]: Omit<Command, 'at' | 'by'>
}[UserCommand]

export type CommandResult =
  | { readonly kind: 'accepted'; readonly view: WorkspaceView }
  | { readonly kind: 'refused'; readonly state: StatePath }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'name-taken' }
  | NotWrittenResult

export interface CommandDeps {
  readonly actors: ActorRegistry
  readonly queries: Pick<Queries, 'find'>
  readonly admission: Pick<Admission, 'isNameFree'>
  readonly provisioner: Pick<Provisioner, 'resume'>
  readonly clock: Clock
}

/** Returns the function that sends a command to a workspace. Accepted means: on disk and in progress. */
export function commandSender({ actors, queries, admission, provisioner, clock }: CommandDeps) {
  const refusedQuarantined = { kind: 'refused', state: 'failed' } as const

  async function deleteQuarantined(
    view: WorkspaceView & { kind: 'quarantined' },
    cause: TransitionCause,
  ): Promise<CommandResult> {
    const { id } = view.row
    const deletion = await actors.deleteQuarantined(id, cause)
    if (deletion.kind === 'unknown-provider') return refusedQuarantined
    if (deletion.kind !== 'deleting') return deletion
    provisioner.resume(id)
    return { kind: 'accepted', view }
  }

  return async (id: WorkspaceId, caller: Caller, command: UserCommandRequest): Promise<CommandResult> => {
    const view = queries.find(id, caller)
    if (!view) return { kind: 'not-found' }
    const [at, by] = [clock.now(), `user:${caller.owner}`]
    if (view.kind === 'quarantined')
      return command.type === 'delete' ? deleteQuarantined(view, { event: 'delete', at, by }) : refusedQuarantined
    const { name, owner } = view.snapshot.context
    // If the database refused the name, a rollback would interrupt what the workspace is doing.
    if (
      command.type === 'update' &&
      command.name !== undefined &&
      command.name !== name &&
      !admission.isNameFree(owner, command.name)
    )
      return { kind: 'name-taken' }
    const accepted = actors.send(id, { ...command, at, by })
    const after = actors.find(id)?.actor.getSnapshot() ?? view.snapshot
    const failedWrite = await actors.whenCommitted(id) // also of a refusal, which names a state
    if (failedWrite)
      return isNameTaken(failedWrite.error)
        ? { kind: 'name-taken' }
        : { kind: 'write-failed', error: failedWrite.error }
    if (accepted) return { kind: 'accepted', view: { kind: 'live', snapshot: after, updatedAt: at } }
    // Deleted meanwhile: for the caller it does not exist any more.
    return queries.find(id, caller) ? { kind: 'refused', state: statePath(after.value) } : { kind: 'not-found' }
  }
}

/** Returns the function that waits until a deleting workspace is removed, for at most `timeoutMs`. */
export function deletionWaiter({ actors, clock }: Pick<CommandDeps, 'actors' | 'clock'>) {
  const waiting = new Map<WorkspaceId, Set<() => void>>()
  actors.onCommitted((transitions) => {
    for (const { id, after } of transitions)
      if (after.status === 'done') for (const wake of waiting.get(id) ?? []) wake()
  })
  return async (id: WorkspaceId, timeoutMs: number): Promise<void> => {
    if (!actors.find(id)) return
    let wake = () => {}
    const woken = new Promise<void>((resolve) => {
      wake = resolve
    })
    const cancel = clock.timer(timeoutMs, wake)
    const waiters = waiting.get(id) ?? new Set()
    waiting.set(id, waiters.add(wake))
    await woken
    cancel()
    waiters.delete(wake)
    if (waiters.size === 0) waiting.delete(id)
  }
}
