import type { LifecycleChunkRow } from '../../persistence/lifecycle-output-store.ts'
import type { LogChunk, LogOptions } from '../../provider/guest.ts'
import { ok } from '../../workspace/fault.ts'
import type { Outcome } from '../../workspace/fault.ts'
import type { WorkspaceLogLine } from './log-lines.ts'
import { lineSplitter } from './log-lines.ts'

/** The sources of one workspace's log. */
export interface LogSources {
  /** The stored output of lifecycle commands after the chunk numbered `after`, oldest first. */
  lifecycleOutput(after: number, limit: number): readonly LifecycleChunkRow[]
  /** The output of the main process; `null` if there is no container yet. */
  mainOutput(options: LogOptions, signal: AbortSignal): Promise<Outcome<AsyncIterable<LogChunk>>> | null
  /** `ended`: nothing more is written unless the workspace is started again. */
  phase(): 'transitioning' | 'running' | 'ended'
  /** Calls `wake` when there is more lifecycle output, or another phase. Returns a function that unsubscribes. */
  subscribe(wake: () => void): () => void
}

const pageSize = 64

/** Opens the main process's output; `null` if there is none, or its container does not exist. */
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

/** The output of lifecycle commands as lines. Each call continues where the previous one stopped. */
export function lifecycleLines(sources: LogSources, since: number | null) {
  let lastSeq = 0
  let command = ''
  let splitter = lineSplitter(command)

  return {
    /** The lines that are stored; with `flush`, also a last one without an end. */
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
