import { Readable } from 'node:stream'
import type { Fault } from '../../workspace/fault.ts'
import type { Notice } from '../provider.ts'
import type { Engine } from './engine.ts'
import { labelFilter, workspaceOf } from './labels.ts'
import { jsonLines } from './lines.ts'
import { pause } from './race.ts'
import { field, number, text } from './shape.ts'

const followed = ['start', 'die', 'oom', 'pause', 'unpause', 'destroy']
const remembered = 1_000

/**
 * Follows what happens to the containers of `installation` until `close()`. `connected` is told when the event stream
 * is open and the engine answers a ping besides; `lost` once per loss, also when the engine is away from the start. A
 * stream that is open says nothing about an engine that hangs, so it is pinged all the time. After a loss the stream
 * goes on where it was cut; what comes twice is dropped.
 */
export function watch(engine: Engine, installation: string, tell: (notice: Notice) => void): { close(): void } {
  const ended = new AbortController()
  void follow(engine, installation, tell, ended.signal)
  return { close: () => ended.abort() }
}

async function follow(
  engine: Engine,
  installation: string,
  tell: (notice: Notice) => void,
  signal: AbortSignal,
): Promise<void> {
  const { reconnect, reconnectMost, heartbeat } = engine.deadlines
  const hear = hearEvents(tell, signal)
  let lost = false
  let wait = reconnect
  while (!signal.aborted) {
    const stream = await open(engine, installation, hear.since(), signal)
    let fault: Fault | undefined
    if (!stream.ok) fault = stream.fault
    else {
      const cut = new AbortController()
      for (const end of ['end', 'error', 'close']) stream.value.on(end, () => cut.abort())
      const split = jsonLines((event) => hear.event(event))
      stream.value.on('data', split)
      const alive = await engine.ping(signal)
      if (alive.ok && !signal.aborted) {
        tell({ kind: 'connected' })
        lost = false
        wait = reconnect
        fault = await beat(engine, heartbeat, cut.signal, signal)
      } else if (!alive.ok) fault = alive.fault
      stream.value.destroy()
    }
    if (signal.aborted) return
    if (!lost && fault) tell({ kind: 'lost', fault })
    lost = true
    await pause(wait, signal)
    wait = Math.min(wait * 2, reconnectMost)
  }
}

/** Settles when the stream is cut or the engine answers no ping any more. */
async function beat(
  engine: Engine,
  everyMs: number,
  cut: AbortSignal,
  signal: AbortSignal,
): Promise<Fault | undefined> {
  while (!signal.aborted) {
    await pause(everyMs, cut, signal)
    if (cut.aborted) {
      return { again: 'away', message: `The engine at ${engine.target.described} closed the stream of its events.` }
    }
    const alive = await engine.ping(signal)
    if (!alive.ok && !signal.aborted) return alive.fault
  }
  return undefined
}

function open(engine: Engine, installation: string, since: number | undefined, signal: AbortSignal) {
  const filters = JSON.stringify({ type: ['container'], event: followed, label: labelFilter(installation) })
  return engine.ask(
    {
      what: 'open the stream of its events',
      withinMs: engine.deadlines.read,
      long: true,
      async run(docker, abortSignal) {
        const stream = await docker.getEvents({ filters, ...(since !== undefined && { since }), abortSignal })
        if (!(stream instanceof Readable)) throw new TypeError('the engine client gave no readable stream')
        return stream
      },
    },
    signal,
  )
}

function hearEvents(tell: (notice: Notice) => void, signal: AbortSignal) {
  const seen = new Set<string>()
  let since: number | undefined
  return {
    /** Seconds, in the engine's clock, from which a new stream is to tell again. */
    since: () => since,
    event(event: unknown): void {
      const workspaceId = workspaceOf(field(event, 'Actor', 'Attributes'))
      const key = `${number(event, 'timeNano')} ${text(event, 'Actor', 'ID')} ${text(event, 'Action')}`
      since = number(event, 'time') ?? since
      if (seen.has(key) || workspaceId === undefined || signal.aborted) return
      seen.add(key)
      const oldest = seen.size > remembered ? seen.values().next().value : undefined
      if (oldest !== undefined) seen.delete(oldest)
      tell({ kind: 'changed', workspaceId })
    },
  }
}
