import { Readable } from 'node:stream'
import type { Fault } from '../../../workspace/fault.ts'
import type { EngineNotice } from '../../provider.ts'
import type { Engine } from '../engine/engine.ts'
import { labelFilter, workspaceIdOfLabels } from '../engine/labels.ts'
import { parseJsonLines } from '../engine/json-lines.ts'
import { abortableDelay } from '../engine/with-deadline.ts'
import { jsonField, numberField, stringField } from '../engine/json-fields.ts'

const watchedEvents = ['start', 'die', 'oom', 'pause', 'unpause', 'destroy']
const maxRememberedEvents = 1_000

/**
 * Follows what happens to the containers of `installation` until `close()`. `connected` is told when the event stream
 * is open and the engine answers a ping besides; `lost` once per loss, also when the engine is away from the start. A
 * stream that is open says nothing about an engine that hangs, so it is pinged all the time. After a loss the stream
 * goes on where it was cut; what comes twice is dropped.
 */
export function watch(engine: Engine, installation: string, notify: (notice: EngineNotice) => void): { close(): void } {
  const closed = new AbortController()
  void watchLoop(engine, installation, notify, closed.signal)
  return { close: () => closed.abort() }
}

async function watchLoop(
  engine: Engine,
  installation: string,
  notify: (notice: EngineNotice) => void,
  signal: AbortSignal,
): Promise<void> {
  const { reconnectMs, reconnectMaxMs, heartbeatMs } = engine.timeouts
  const tracker = eventTracker(notify, signal)
  let lossReported = false
  let delayMs = reconnectMs
  while (!signal.aborted) {
    const stream = await openEventStream(engine, installation, tracker.since(), signal)
    let fault: Fault | undefined
    if (!stream.ok) fault = stream.fault
    else {
      const disconnected = new AbortController()
      for (const end of ['end', 'error', 'close']) stream.value.on(end, () => disconnected.abort())
      const parseChunk = parseJsonLines((event) => tracker.record(event))
      stream.value.on('data', parseChunk)
      const pingResult = await engine.ping(signal)
      if (pingResult.ok && !signal.aborted) {
        notify({ kind: 'connected' })
        lossReported = false
        delayMs = reconnectMs
        fault = await pingUntilLost(engine, heartbeatMs, disconnected.signal, signal)
      } else if (!pingResult.ok) fault = pingResult.fault
      stream.value.destroy()
    }
    if (signal.aborted) return
    if (!lossReported && fault) notify({ kind: 'disconnected', fault })
    lossReported = true
    await abortableDelay(delayMs, signal)
    delayMs = Math.min(delayMs * 2, reconnectMaxMs)
  }
}

/** Settles when the stream is cut or the engine answers no ping any more. */
async function pingUntilLost(
  engine: Engine,
  intervalMs: number,
  disconnected: AbortSignal,
  signal: AbortSignal,
): Promise<Fault | undefined> {
  while (!signal.aborted) {
    await abortableDelay(intervalMs, disconnected, signal)
    if (disconnected.aborted) {
      return {
        kind: 'unavailable',
        message: `The engine at ${engine.target.described} closed the stream of its events.`,
      }
    }
    const pingResult = await engine.ping(signal)
    if (!pingResult.ok && !signal.aborted) return pingResult.fault
  }
  return undefined
}

function openEventStream(engine: Engine, installation: string, since: number | undefined, signal: AbortSignal) {
  const filters = JSON.stringify({ type: ['container'], event: watchedEvents, label: labelFilter(installation) })
  return engine.request(
    {
      action: 'open the stream of its events',
      timeoutMs: engine.timeouts.readMs,
      longRunning: true,
      async run(docker, abortSignal) {
        const stream = await docker.getEvents({ filters, ...(since !== undefined && { since }), abortSignal })
        if (!(stream instanceof Readable)) throw new TypeError('the engine client gave no readable stream')
        return stream
      },
    },
    signal,
  )
}

function eventTracker(notify: (notice: EngineNotice) => void, signal: AbortSignal) {
  const seenKeys = new Set<string>()
  let since: number | undefined
  return {
    /** Seconds, in the engine's clock, from which a new stream is to tell again. */
    since: () => since,
    record(event: unknown): void {
      const workspaceId = workspaceIdOfLabels(jsonField(event, 'Actor', 'Attributes'))
      const key = `${numberField(event, 'timeNano')} ${stringField(event, 'Actor', 'ID')} ${stringField(event, 'Action')}`
      since = numberField(event, 'time') ?? since
      if (seenKeys.has(key) || workspaceId === undefined || signal.aborted) return
      seenKeys.add(key)
      const oldest = seenKeys.size > maxRememberedEvents ? seenKeys.values().next().value : undefined
      if (oldest !== undefined) seenKeys.delete(oldest)
      notify({ kind: 'changed', workspaceId })
    },
  }
}
