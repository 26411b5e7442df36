import type { WorkspaceId } from '../../workspace/id.ts'
import type { Engine } from './engine.ts'
import { isOurs, workspaceOf } from './labels.ts'
import type { Answer } from './refusal.ts'
import { field } from './shape.ts'

/** Everything that the engine says of the container `idOrName`. Status 404 if there is none. */
export function lookAt(engine: Engine, idOrName: string, signal: AbortSignal): Promise<Answer<unknown>> {
  return engine.ask<unknown>(
    {
      what: 'look at the container',
      withinMs: engine.deadlines.read,
      run: (docker, abortSignal) => docker.getContainer(idOrName).inspect({ abortSignal }),
    },
    signal,
  )
}

/** Whose a container is. */
export interface Belonging {
  readonly installation: string
  readonly workspace: WorkspaceId
}

/** As {@link lookAt}, for containers of ours: one with other labels is, for us, not there (law 8). */
export async function lookAtOwn(
  engine: Engine,
  belonging: Belonging,
  id: string,
  signal: AbortSignal,
): Promise<Answer<unknown>> {
  const answer = await lookAt(engine, id, signal)
  if (!answer.ok || belongs(answer.value, belonging)) return answer
  const reason = `the container ${id.slice(0, 12)} is not this workspace's`
  return { ok: false, status: 404, reason, fault: { again: 'gone', message: `There is no such container: ${reason}.` } }
}

/** True if what an inspect tells is the container of that workspace in that installation. */
export function belongs(inspected: unknown, { installation, workspace }: Belonging): boolean {
  const labels = field(inspected, 'Config', 'Labels')
  return isOurs(labels, installation) && workspaceOf(labels) === workspace
}
