import { done, type Outcome } from '../../workspace/fault.ts'
import type { Subject } from '../../workspace/subject.ts'
import type { Engine } from './engine.ts'
import { listContainers } from './listing.ts'
import { lookAtOwn } from './look.ts'

const graceSeconds = 10

/**
 * Makes the subject's container not run: TERM, and KILL ten seconds later. Not running, or gone, is success. May be
 * repeated.
 */
export async function halt(
  engine: Engine,
  installation: string,
  { id, containerId }: Subject,
  signal: AbortSignal,
): Promise<Outcome<void>> {
  let ids = containerId === null ? [] : [containerId]
  if (containerId === null) {
    const listed = await listContainers(engine, installation, id, signal)
    if (!listed.ok) return listed
    ids = listed.value.map((container) => container.id)
  }
  for (const one of ids) {
    const looked = await lookAtOwn(engine, { installation, workspace: id }, one, signal)
    if (!looked.ok && looked.status === 404) continue
    if (!looked.ok) return looked
    const stopped = await engine.ask<void>(
      {
        what: 'stop the container',
        withinMs: engine.deadlines.stop,
        long: true,
        run: (docker, abortSignal) => docker.getContainer(one).stop({ t: graceSeconds, abortSignal }),
      },
      signal,
    )
    if (!stopped.ok && stopped.status !== 304 && stopped.status !== 404) return stopped
  }
  return done(undefined)
}
