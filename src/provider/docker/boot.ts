import type { Connection } from '../../workspace/container.ts'
import { done, fault, type Outcome } from '../../workspace/fault.ts'
import type { Subject } from '../../workspace/subject.ts'
import { connectionTo, publishedPorts } from './connection.ts'
import type { Engine } from './engine.ts'
import { lookAtOwn } from './look.ts'
import type { Networks } from './network.ts'
import type { Answer } from './refusal.ts'
import { removeOne } from './remove.ts'
import { field, text } from './shape.ts'

/** What an engine says of a container over whose start it was killed: of which of the two, how far it had come decides. */
const killedOver = /\btask \S+ already exists|\bid already in use\b/

/** Step `boot`: starts the subject's container. Running already is success, paused is woken up. May be repeated. */
export async function boot(
  engine: Engine,
  installation: string,
  networks: Networks,
  { id: workspace, containerId: id, recipe }: Subject,
  signal: AbortSignal,
): Promise<Outcome<{ connection: Connection }>> {
  if (id === null) return fault('gone', 'There is no container to start.')
  const looked = await lookAtOwn(engine, { installation, workspace }, id, signal)
  if (!looked.ok) return looked

  const paused = field(looked.value, 'State', 'Paused') === true
  let started = paused ? await wake(engine, id, signal) : await start(engine, id, signal)
  const network = text(looked.value, 'HostConfig', 'NetworkMode')
  if (!started.ok && network !== undefined && /network \S+ (not found|is ambiguous)/.test(started.reason)) {
    const rejoined = await networks.rejoin(network, id, signal)
    if (!rejoined.ok) return rejoined
    started = await start(engine, id, signal)
  }
  if (!started.ok && killedOver.test(started.reason)) {
    const neverRan = text(looked.value, 'State', 'StartedAt')?.startsWith('0001-') === true
    return watchedOver(engine, id, neverRan, started.fault.message, signal)
  }
  if (!started.ok) return hopeless(started.reason, recipe.init) ?? started
  // Which ports the engine picked is known after the start only. Most have none, and then a start costs no further
  // request.
  if (recipe.forwardPorts.length === 0) return done({ connection: connectionTo(id, {}) })
  const running = await lookAtOwn(engine, { installation, workspace }, id, signal)
  return running.ok ? done({ connection: connectionTo(id, publishedPorts(running.value)) }) : running
}

/**
 * An engine that was killed while it started a container may have left the process that was to watch over it, and then never
 * starts that container again. One that has never run is made anew: there is nothing in it yet.
 */
async function watchedOver(
  engine: Engine,
  id: string,
  neverRan: boolean,
  message: string,
  signal: AbortSignal,
): Promise<Outcome<never>> {
  if (!neverRan) {
    const shim = `the process "containerd-shim-runc-v2 … -id ${id}"`
    return fault('later', `${message}. The engine was killed while it started it: end ${shim} where the engine runs.`)
  }
  const removed = await removeOne(engine, id, signal)
  if (!removed.ok) return removed
  return fault('gone', `${message}. The engine was killed while it started it for the first time; it is made anew.`)
}

async function start(engine: Engine, id: string, signal: AbortSignal): Promise<Answer<void>> {
  const answer = await engine.ask<void>(
    {
      what: 'start the container',
      withinMs: engine.deadlines.make,
      run: (docker, abortSignal) => docker.getContainer(id).start({ abortSignal }),
    },
    signal,
  )
  return !answer.ok && answer.status === 304 ? { ok: true, value: undefined } : answer
}

function wake(engine: Engine, id: string, signal: AbortSignal): Promise<Answer<void>> {
  return engine.ask<void>(
    {
      what: 'wake the container up',
      withinMs: engine.deadlines.make,
      run: (docker, abortSignal) => docker.getContainer(id).unpause({ abortSignal }),
    },
    signal,
  )
}

/**
 * A start that fails in the same way each time, whatever status the engine gives it; `undefined` if it may yet succeed.
 */
function hopeless(reason: string, init: boolean): ReturnType<typeof fault> | undefined {
  if (init && /docker-init/.test(reason)) {
    const way = 'Install it where the engine runs (package tini or docker-init), or set "init": false in the template.'
    return fault('never', `The engine has no init process to run in containers: ${reason}. ${way}`)
  }
  const broken =
    /executable file not found|no such file or directory|exec format error|permission denied|is a directory|not a directory/i
  if (!/OCI runtime|exec/i.test(reason) || !broken.test(reason)) return undefined
  return fault('never', `The container cannot start: ${reason}. Check the template's image and command.`)
}
