import type { Found } from '../../workspace/container.ts'
import { done, type Outcome } from '../../workspace/fault.ts'
import type { WorkspaceId } from '../../workspace/id.ts'
import type { Log } from '../../workspace/log.ts'
import { connectionTo, publishedPorts } from './connection.ts'
import type { Engine } from './engine.ts'
import { engineStart, exitOf } from './exits.ts'
import { labelledIn, workspaceOf } from './labels.ts'
import { type Listed, listContainers } from './listing.ts'
import { lookAt } from './look.ts'
import { field, text } from './shape.ts'

const atOnce = 16

/**
 * Every container of `installation`, or those of workspace `only`. One request lists them; those that ended are looked
 * at one by one, since a list does not say why. So are those of one workspace: who asks for it has just heard of a
 * change, and the engine's list is behind its events. All of them, or a fault.
 */
export async function inventory(
  engine: Engine,
  installation: string,
  log: Log,
  only: WorkspaceId | undefined,
  signal: AbortSignal,
): Promise<Outcome<readonly Found[]>> {
  const listed = await listContainers(engine, installation, only, signal)
  if (!listed.ok) return listed
  let started: Promise<Outcome<number | null>> | undefined
  const startOnce = (): Promise<Outcome<number | null>> => (started ??= engineStart(engine, signal))

  const waiting = [...listed.value]
  const found: Found[] = []
  let failed: Extract<Outcome<never>, { ok: false }> | undefined
  async function take(): Promise<void> {
    for (let next = waiting.shift(); next && !failed; next = waiting.shift()) {
      const answer = await foundOf(engine, next, only === undefined, log, startOnce, signal)
      if (!answer.ok) failed = answer
      else if (answer.value) found.push(answer.value)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, take))
  return failed ?? done(found)
}

async function foundOf(
  engine: Engine,
  listed: Listed,
  believed: boolean,
  log: Log,
  started: () => Promise<Outcome<number | null>>,
  signal: AbortSignal,
): Promise<Outcome<Found | null>> {
  const workspaceId = workspaceOf(listed.labels)
  if (workspaceId === undefined) {
    // Made by hand with our label: nothing here could name it to anybody, and one stray must not hide all others (law
    // 7).
    log.warn(
      { container: listed.id },
      "a container carries this installation's label and names no workspace; it is passed over",
    )
    return done(null)
  }
  const of = (state: Found['state']): Outcome<Found> =>
    done({ workspaceId, containerId: listed.id, state, labelled: labelledIn(listed.labels) })
  if (believed && /^(running|paused|restarting)$/.test(listed.state))
    return of({ kind: 'running', connection: connectionTo(listed.id, listed.ports) })
  if (believed && listed.state === 'created') return of({ kind: 'made' })
  const inspected = await lookAt(engine, listed.id, signal)
  if (!inspected.ok) return inspected.status === 404 ? done(null) : inspected // gone since the list was made
  if (field(inspected.value, 'State', 'Running') === true)
    return of({ kind: 'running', connection: connectionTo(listed.id, publishedPorts(inspected.value)) })
  if (text(inspected.value, 'State', 'Status') === 'created') return of({ kind: 'made' })
  const start = await started()
  return start.ok ? of({ kind: 'exited', exit: exitOf(inspected.value, start.value) }) : start
}
