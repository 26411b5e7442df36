import type { LogChunk } from '../../provider/guest.ts'
import type { WorkspaceLogLine } from './log-lines.ts'
import { lineSplitter } from './log-lines.ts'
import type { LifecycleLines, LogSources } from './log-sources.ts'
import { openMainOutput } from './log-sources.ts'

export interface LogFollowerDeps {
  readonly sources: LogSources
  readonly since: number | null
  /** What the main process writes; `null`: there is none yet. */
  readonly chunks: AsyncIterable<LogChunk> | null
  readonly signal: AbortSignal
}

/** Proxies close what is silent, mostly after a minute. */
const heartbeatMs = 15_000
/** So long after it was opened, a main process that has ended is looked for again. */
const reopenMs = 1000
/** What the main process wrote last may come a moment after its end is known. */
const drainTimeoutMs = 2000

/** The lines of a main process: those that there are, then those that come, and those of the one that comes after it. */
export function logFollower({ sources, since, chunks, signal }: LogFollowerDeps) {
  let splitter = lineSplitter('main')
  let mainOutput = chunks?.[Symbol.asyncIterator]()
  let openedAt = Date.now()
  /** What is to be told of the next main process; until one was seen, as it was wished. */
  let nextSince = chunks === null ? since : openedAt
  let hasTimestamps = true

  function* takeChunk(result: IteratorResult<LogChunk>): Generator<WorkspaceLogLine, void, undefined> {
    if (result.done === true) {
      mainOutput = undefined
      yield* splitter.flush()
      return
    }
    const { at } = result.value
    if (at === null) hasTimestamps = false
    else nextSince = at + 1
    yield* splitter.lines(result.value)
  }

  async function reopen() {
    openedAt = Date.now()
    splitter = lineSplitter('main')
    // Without times, `since` would bring all of it once more.
    const options = { follow: true, since: hasTimestamps ? nextSince : null, tail: hasTimestamps ? null : 0 }
    const opened = await openMainOutput(sources, options, signal)
    if (!opened.ok || opened.value === null) return
    mainOutput = opened.value[Symbol.asyncIterator]()
    nextSince = openedAt
  }

  return {
    /** The first so many lines of the main process; with `all`, also what has no end yet. */
    async *backlog(count: number, flush: boolean): AsyncGenerator<WorkspaceLogLine, void, undefined> {
      for (let remaining = count; remaining > 0 && mainOutput; )
        for (const line of takeChunk(await mainOutput.next())) {
          yield line
          if (!line.partial) remaining -= 1
        }
      if (flush) yield* splitter.flush()
    },

    /** What comes then, of lifecycle commands too. */
    async *follow(lifecycle: LifecycleLines): AsyncGenerator<WorkspaceLogLine | null, void, undefined> {
      const wakeEvent = autoResetEvent()
      const unsubscribe = sources.subscribe(wakeEvent.set)
      signal.addEventListener('abort', wakeEvent.set)
      let nextResult: IteratorResult<LogChunk> | undefined
      let pendingRead: AsyncIterator<LogChunk> | undefined
      let endedAt: number | undefined
      try {
        while (!signal.aborted) {
          const phase = sources.phase() // first: what was written before it changed is on disk
          yield* lifecycle.lines(phase !== 'busy')
          if (nextResult) {
            const result = nextResult
            nextResult = pendingRead = undefined
            yield* takeChunk(result)
          }
          endedAt = phase === 'over' ? (endedAt ?? Date.now()) : undefined
          if (endedAt !== undefined && (!mainOutput || Date.now() - endedAt >= drainTimeoutMs)) break
          if (!mainOutput && phase === 'up' && Date.now() - openedAt >= reopenMs) await reopen()
          if (mainOutput && !pendingRead) {
            pendingRead = mainOutput
            void mainOutput.next().then((result) => {
              nextResult = result
              wakeEvent.set()
            })
          }
          const waitMs = endedAt !== undefined ? drainTimeoutMs : !mainOutput && phase === 'up' ? reopenMs : heartbeatMs
          if (!(await wakeEvent.wait(waitMs)) && waitMs === heartbeatMs) yield null
        }
        yield* splitter.flush()
      } finally {
        signal.removeEventListener('abort', wakeEvent.set)
        unsubscribe()
      }
    },

    async close() {
      await mainOutput?.return?.()
    },
  }
}

/** Rung before it is listened to counts too. */
function autoResetEvent() {
  let isSet = false
  let wake = () => {}
  return {
    set() {
      isSet = true
      wake()
    },
    /** Waits for at most so long; was it rung? */
    async wait(timeoutMs: number): Promise<boolean> {
      if (!isSet)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeoutMs)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      const wasSet = isSet
      isSet = false
      return wasSet
    },
  }
}
