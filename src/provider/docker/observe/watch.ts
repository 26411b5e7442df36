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
 * Watches the installation's containers until `close()`. Sends `connected` once the event stream is open and the engine
 * answers a ping, and `disconnected` once per loss, also if the engine is unavailable from the start. The engine is
 * pinged continuously, since a hanging engine keeps its stream open. After a loss the stream resumes where it was cut;
 * duplicate events are dropped.
 */
export function watch(engine: Engine, notify: (notice: EngineNotice) => void): { close(): void } {
  const closed = new AbortController()
  void watchLoop(engine, notify, closed.signal)
  return { close: () => closed.abort() }
}

async function watchLoop(engine: Engine, notify: (notice: EngineNotice) => void, signal: AbortSignal): Promise<void> {
  const { reconnectMs, reconnectMaxMs } = engine.timeouts
  const tracker = eventTracker(notify, signal)
  let lossReported = false
  let delayMs = reconnectMs
  while (!signal.aborted) {
    const stream = await openEventStream(engine, tracker.since(), signal)
    let fault: Fault | undefined
    if (!stream.ok) fault = stream.fault
    else {
      const disconnected = new AbortController()
      for (const event of ['end', 'error', 'close']) stream.value.on(event, () => disconnected.abort())
      const parseChunk = parseJsonLines((event) => tracker.record(event))
      stream.value.on('data', parseChunk)
      const pingResult = await engine.ping(signal)
      if (pingResult.ok && !signal.aborted) {
        notify({ kind: 'connected' })
        lossReported = false
        delayMs = reconnectMs
        fault = await pingUntilLost(engine, disconnected.signal, signal)
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

/** Settles when the stream is closed or the engine stops answering pings. */
async function pingUntilLost(
  engine: Engine,
  disconnected: AbortSignal,
  signal: AbortSignal,
): Promise<Fault | undefined> {
  while (!signal.aborted) {
    await abortableDelay(engine.timeouts.heartbeatMs, disconnected, signal)
    if (disconnected.aborted) {
      return { kind: 'unavailable', message: `The engine at ${engine.target.description} closed its event stream.` }
    }
    const pingResult = await engine.ping(signal)
    if (!pingResult.ok && !signal.aborted) return pingResult.fault
  }
  return undefined
}

function openEventStream(engine: Engine, since: number | undefined, signal: AbortSignal) {
  const label = labelFilter(engine.installation)
  const filters = JSON.stringify({ type: ['container'], event: watchedEvents, label })
  return engine.request(
    {
      action: 'open its event stream',
      timeoutMs: engine.timeouts.readMs,
      longRunning: true,
      async run(docker, abortSignal) {
        const stream = await docker.getEvents({ filters, ...(since !== undefined && { since }), abortSignal })
        if (!(stream instanceof Readable)) throw new TypeError('dockerode did not return a readable stream')
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
    /** Where a new stream resumes, in seconds of the engine's clock. */
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
