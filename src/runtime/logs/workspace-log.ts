// The log of one workspace: the stored output of its lifecycle commands, merged with that of its main process.
//   G1. Existing lines come in order of time, those without a time last. New lines come as they are written.
//   G2. Only a line without an end is held in memory, so output that has to be counted for `tail` is read twice.
//   G3. The sources are read as fast as the reader takes lines.
import type { LogChunk, LogOptions } from '../../provider/guest.ts'
import type { Clock } from '../../workspace/clock.ts'
import { ok } from '../../workspace/fault.ts'
import type { Outcome } from '../../workspace/fault.ts'
import type { WorkspaceLogLine } from './log-lines.ts'
import { lineSplitter } from './log-lines.ts'
import { logFollower } from './log-follower.ts'
import type { LogSources } from './log-sources.ts'
import { lifecycleLines, openMainOutput } from './log-sources.ts'

/**
 * Opens a log. A line of `null` says that nothing was written for a while. A log that is followed ends when the workspace is stopped, fails or
 * is deleted. Abort `signal` unless the log is read to its end. Reading throws what the database throws.
 */
export async function openWorkspaceLog(
  sources: LogSources,
  clock: Clock,
  options: LogOptions,
  signal: AbortSignal,
): Promise<Outcome<AsyncGenerator<WorkspaceLogLine | null, void, undefined>>> {
  const { follow, since, tail } = options
  let [backlogLines, linesToSkip] = [Infinity, 0]
  if (follow || tail !== null) {
    const existing = await openMainOutput(sources, { ...options, follow: false }, signal)
    if (!existing.ok) return existing
    let lines = 0
    for await (const { partial } of splitChunks(existing.value, !follow)) if (!partial) lines += 1
    if (follow) backlogLines = lines
    if (tail !== null) {
      for (const { partial } of lifecycleLines(sources, since).lines(!follow)) if (!partial) lines += 1
      linesToSkip = Math.max(0, lines - tail)
    }
  }
  const closed = new AbortController()
  const closeSignal = AbortSignal.any([signal, closed.signal])
  const main = await openMainOutput(sources, options, closeSignal)
  if (!main.ok) return main
  const follower = logFollower({ sources, clock, since, chunks: main.value, signal: closeSignal })
  const lifecycle = lifecycleLines(sources, since)

  async function* streamLines(): AsyncGenerator<WorkspaceLogLine | null, void, undefined> {
    try {
      for await (const line of mergeByTime(lifecycle.lines(!follow), follower.backlog(backlogLines, !follow))) {
        if (linesToSkip === 0) yield line
        else if (!line.partial) linesToSkip -= 1
      }
      if (follow) yield* follower.follow(lifecycle)
    } finally {
      closed.abort()
      await follower.close()
    }
  }

  return ok(streamLines())
}

async function* splitChunks(chunks: AsyncIterable<LogChunk> | null, flush: boolean): AsyncGenerator<WorkspaceLogLine> {
  const splitter = lineSplitter('main')
  for await (const chunk of chunks ?? []) yield* splitter.lines(chunk)
  if (flush) yield* splitter.flush()
}

/** Lines of lifecycle commands come first, unless a line of the main process is older. */
async function* mergeByTime(
  lifecycle: Iterator<WorkspaceLogLine>,
  mainOutput: AsyncIterator<WorkspaceLogLine>,
): AsyncGenerator<WorkspaceLogLine, void, undefined> {
  let [lifecycleNext, mainNext] = [lifecycle.next(), await mainOutput.next()]
  while (lifecycleNext.done !== true || mainNext.done !== true) {
    if (mainNext.done !== true && (lifecycleNext.done === true || isOlder(mainNext.value, lifecycleNext.value))) {
      yield mainNext.value
      mainNext = await mainOutput.next()
    } else if (lifecycleNext.done !== true) {
      yield lifecycleNext.value
      lifecycleNext = lifecycle.next()
    }
  }
}

function isOlder({ at }: WorkspaceLogLine, { at: otherAt }: WorkspaceLogLine): boolean {
  return at !== null && otherAt !== null && at < otherAt
}
