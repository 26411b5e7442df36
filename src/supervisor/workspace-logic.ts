import { createActor } from 'xstate'
import type { Actor } from 'xstate'
import type { workspaceMachine } from '../machines/workspace-machine.ts'
import type { WorkspaceSnapshot } from '../machines/workspace-snapshot.ts'
import { restorableSnapshot } from '../machines/workspace-snapshot.ts'

/** The statechart with its effects put in. */
export type WorkspaceLogic = typeof workspaceMachine
export type LogicEvent = Parameters<WorkspaceLogic['transition']>[1]

/**
 * Makes `logic` stage each step where it is decided (law 1): before any subscriber sees it and before the first effect of the new state
 * runs. Keep the result inside the supervisor: a pure call of its `transition` would stage as well.
 */
export function stageTransitions(
  logic: WorkspaceLogic,
  stage: (id: string, before: WorkspaceSnapshot, after: WorkspaceSnapshot, event: LogicEvent) => void,
): WorkspaceLogic {
  const transition = logic.transition.bind(logic)
  logic.transition = (before, event, scope) => {
    try {
      const after = transition(before, event, scope)
      // `stopped` is the service ending, `error` a bug: neither is part of a workspace's life, and either would restore inert.
      if (after !== before && (after.status === 'active' || after.status === 'done'))
        stage(scope.id, before, after, event)
      return after
    } catch (bug) {
      for (const child of Object.values(before.children)) if (child) scope.stopChild(child) // XState would leave them running
      throw bug
    }
  }
  return logic
}

/** An actor that was stored, not started yet. If the machine does not know its state, its snapshot's status is `error`. */
export function createRestoredActor(
  logic: WorkspaceLogic,
  id: string,
  stored: { value: unknown; context: object },
): Actor<WorkspaceLogic> {
  // Its type asks for an input, which is read for a new actor only.
  return createActor(logic, { id, snapshot: restorableSnapshot(stored), input: undefined as never })
}
