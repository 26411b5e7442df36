import type { LogChunk } from '../../provider/guest.ts'
import type { Clock } from '../../workspace/clock.ts'
import { settlesWithin } from '../timeouts.ts'
import type { WorkspaceLogLine } from './log-lines.ts'
import { lineSplitter } from './log-lines.ts'
import type { LifecycleLines, LogSources } from './log-sources.ts'
import { openMainOutput } from './log-sources.ts'

export interface LogFollowerDeps {
  readonly sources: LogSources
  readonly clock: Clock
  readonly since: number | null
  /** The output of the main process; `null` if there is none yet. */
  readonly chunks: AsyncIterable<LogChunk> | null
  readonly signal: AbortSignal
}

/** Proxies usually close a connection that is silent for a minute. */
const heartbeatMs = 15_000
/** How long after its output was opened a main process that has ended is looked for again. */
const reopenMs = 1000
/** The last output of the main process may come a moment after its end is known. */
const drainTimeoutMs = 2000

/** The lines of the main process: existing ones, new ones, and those of the main process that replaces it. */
export function logFollower(deps: LogFollowerDeps) {
  const { sources, clock, signal } = deps
  const main = mainOutputLines(deps)

  return {
    /** The first `count` lines of the main process; with `flush`, also a last one without an end. */
    async *backlog(count: number, flush: boolean): AsyncGenerator<WorkspaceLogLine, void, undefined> {
      let remaining = count
      for (let output = main.output(); remaining > 0 && output; output = main.output())
        for (const line of main.take(await output.next())) {
          yield line
          if (!line.partial) remaining -= 1
        }
      if (flush) yield* main.flush()
    },

    /** New lines, of lifecycle commands too, until the workspace has ended. A line of `null`: nothing was written for a while. */
    async *follow(lifecycle: LifecycleLines): AsyncGenerator<WorkspaceLogLine | null, void, undefined> {
      const wakeEvent = autoResetEvent(clock)
      const unsubscribe = sources.subscribe(wakeEvent.set)
      signal.addEventListener('abort', wakeEvent.set)
      let nextResult: IteratorResult<LogChunk> | undefined
      let pendingRead: AsyncIterator<LogChunk> | undefined
      let endedAt: number | undefined
      try {
        while (!signal.aborted) {
          const phase = sources.phase() // read first: what was written before it changed is on disk
          yield* lifecycle.lines(phase !== 'transitioning')
          if (nextResult) {
            const result = nextResult
            nextResult = pendingRead = undefined
            yield* main.take(result)
          }
          endedAt = phase === 'ended' ? (endedAt ?? clock.monotonic()) : undefined
          if (endedAt !== undefined && (!main.output() || clock.monotonic() - endedAt >= drainTimeoutMs)) break
          if (phase === 'running') await main.reopenIfDue()
          const output = main.output()
          if (output && !pendingRead) {
            pendingRead = output
            void output.next().then((result) => {
              nextResult = result
              wakeEvent.set()
            })
          }
          const waitMs =
            endedAt !== undefined ? drainTimeoutMs : !output && phase === 'running' ? reopenMs : heartbeatMs
          if (!(await wakeEvent.wait(waitMs)) && waitMs === heartbeatMs) yield null
        }
        yield* main.flush()
      } finally {
        signal.removeEventListener('abort', wakeEvent.set)
        unsubscribe()
      }
    },

    async close() {
      await main.output()?.return?.()
    },
  }
}

/** Splits the output of the main process into lines, and reopens it when another main process has started. */
function mainOutputLines({ sources, clock, since, chunks, signal }: LogFollowerDeps) {
  let splitter = lineSplitter('main')
  let output = chunks?.[Symbol.asyncIterator]()
  let openedAt = clock.monotonic()
  /** Start time for the output of the next main process. The requested time applies to the first main process only. */
  let nextSince = chunks === null ? since : clock.now()
  let hasTimestamps = true

  return {
    /** `undefined`: there is none, or it has ended. */
    output: () => output,

    *take(result: IteratorResult<LogChunk>): Generator<WorkspaceLogLine, void, undefined> {
      if (result.done === true) {
        output = undefined
        yield* splitter.flush()
        return
      }
      const { at } = result.value
      if (at === null) hasTimestamps = false
      else nextSince = at + 1
      yield* splitter.lines(result.value)
    },

    flush: () => splitter.flush(),

    /** Opens the output of the next main process, unless the last attempt was less than a second ago. */
    async reopenIfDue() {
      if (output || clock.monotonic() - openedAt < reopenMs) return
      const reopenedAt = clock.now()
      openedAt = clock.monotonic()
      splitter = lineSplitter('main')
      // Output without times would be read again from its beginning.
      const options = { follow: true, since: hasTimestamps ? nextSince : null, tail: hasTimestamps ? null : 0 }
      const opened = await openMainOutput(sources, options, signal)
      if (!opened.ok || opened.value === null) return
      output = opened.value[Symbol.asyncIterator]()
      nextSince = reopenedAt
    },
  }
}

/** An event that resets when it was waited for. One that is set before counts too. */
function autoResetEvent(clock: Clock) {
  let isSet = false
  let wake = () => {}
  return {
    set() {
      isSet = true
      wake()
    },
    /** Waits for the event, at most `timeoutMs`. Returns whether it was set. */
    async wait(timeoutMs: number): Promise<boolean> {
      if (!isSet) await settlesWithin(clock, timeoutMs, new Promise<void>((resolve) => (wake = resolve)))
      const wasSet = isSet
      isSet = false
      return wasSet
    },
  }
}
