import type { LifecycleChunkRow } from '../../persistence/lifecycle-output-store.ts'
import type { LogChunk, LogOptions } from '../../provider/guest.ts'
import { ok } from '../../workspace/fault.ts'
import type { Outcome } from '../../workspace/fault.ts'
import type { WorkspaceLogLine } from './log-lines.ts'
import { lineSplitter } from './log-lines.ts'

/** Where a workspace's log comes from. */
export interface LogSources {
  /** What its lifecycle commands wrote, after the piece with a number. */
  lifecycleOutput(after: number, limit: number): readonly LifecycleChunkRow[]
  /** What its main process wrote; `null`: there is none yet. */
  mainOutput(options: LogOptions, signal: AbortSignal): Promise<Outcome<AsyncIterable<LogChunk>>> | null
  /** `over`: nothing will be written any more, unless somebody starts it again. */
  phase(): 'busy' | 'up' | 'over'
  /** Calls `wake` when there is more of `written`, or another phase. Answers how to call that off. */
  subscribe(wake: () => void): () => void
}

const pageSize = 64

/** The main process's output; `null` if there is none, or its container is not there. */
export async function openMainOutput(
  sources: LogSources,
  options: LogOptions,
  signal: AbortSignal,
): Promise<Outcome<AsyncIterable<LogChunk> | null>> {
  const opened = await sources.mainOutput(options, signal)
  if (opened === null || (!opened.ok && opened.fault.kind === 'missing')) return ok(null)
  return opened
}

export type LifecycleLines = ReturnType<typeof lifecycleLines>

/** What lifecycle commands wrote, as lines. Each time it goes on where it was. */
export function lifecycleLines(sources: LogSources, since: number | null) {
  let lastSeq = 0
  let command = ''
  let splitter = lineSplitter(command)

  return {
    /** As far as there is something; with `all`, also what has no end yet. */
    *lines(flush: boolean): Generator<WorkspaceLogLine, void, undefined> {
      for (;;) {
        const chunks = sources.lifecycleOutput(lastSeq, pageSize)
        for (const chunk of chunks) {
          lastSeq = chunk.seq
          if (chunk.command !== command) {
            yield* splitter.flush()
            command = chunk.command
            splitter = lineSplitter(command)
          }
          const { at, stream, data } = chunk
          if (since === null || at >= since) yield* splitter.lines({ at, stream, bytes: data })
        }
        if (chunks.length < pageSize) break
      }
      if (flush) yield* splitter.flush()
    },
  }
}
