import { done, fault, type Outcome } from '../../workspace/fault.ts'
import type { WorkspaceId } from '../../workspace/id.ts'
import type { Engine } from './engine.ts'
import { listContainers } from './listing.ts'
import { lookAtOwn } from './look.ts'
import { pause } from './race.ts'

/**
 * Makes the workspace's containers not exist: those that its labels find, and `containerId` besides if that is ours
 * (laws 8, 9). Looks again until none is left: the engine says "in progress" of a removal that somebody else began, and
 * may have to be asked twice. What it could not do within its deadline is a fault. May be repeated.
 */
export async function remove(
  engine: Engine,
  installation: string,
  id: WorkspaceId,
  containerId: string | null,
  signal: AbortSignal,
): Promise<Outcome<void>> {
  const end = performance.now() + engine.deadlines.remove
  let named = containerId
  for (let round = 1; ; round += 1) {
    const listed = await listContainers(engine, installation, id, signal)
    if (!listed.ok) return listed
    const ids = new Set(listed.value.map((container) => container.id))
    if (named !== null && !ids.has(named)) {
      const looked = await lookAtOwn(engine, { installation, workspace: id }, named, signal)
      if (looked.ok) ids.add(named)
      else if (looked.status !== 404) return looked
      else named = null
    }
    if (ids.size === 0) return done(undefined)

    const answers = await Promise.all([...ids].map((one) => removeOne(engine, one, signal)))
    const refused = answers.find((answer) => !answer.ok)
    if (signal.aborted) return fault('later', 'Broken off while the container was removed.')
    if (refused && !refused.ok && refused.fault.again === 'away') return refused
    if (performance.now() > end)
      return refused ?? fault('later', 'The engine said "removed" of a container that is still there.')
    // What somebody else removes is done when it is done: looking at once would be a hot loop.
    if (refused || round > 1) await pause(engine.deadlines.look, signal)
  }
}

/** Removes the container `id`, running or not (law 9). Already gone is success. May be repeated. */
export async function removeOne(engine: Engine, id: string, signal: AbortSignal): Promise<Outcome<void>> {
  const answer = await engine.ask<void>(
    {
      what: 'remove the container',
      withinMs: engine.deadlines.stop,
      long: true,
      run: (docker, abortSignal) => docker.getContainer(id).remove({ force: true, v: true, abortSignal }),
    },
    signal,
  )
  return !answer.ok && answer.status === 404 ? done(undefined) : answer
}
