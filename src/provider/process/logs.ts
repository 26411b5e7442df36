import { type FileHandle, open } from 'node:fs/promises'
import { done, type Outcome } from '../../workspace/fault.ts'
import type { LogPiece, LogWish } from '../inside.ts'
import { pause } from './answer.ts'
import { type Directory, keeperLog } from './directory.ts'
import type { Host } from './host.ts'
import { runningKeeper } from './keeper.ts'
import { newIn, readAt } from './written.ts'
import { codeOf } from './system-error.ts'

const everyMs = 200
const blockBytes = 65_536

/**
 * What the workspace's keepers wrote, which is little: only what went wrong with one. No times are kept, so that `since` leaves nothing out.
 */
export async function keeperLogs(
  host: Host,
  directory: Directory,
  { tail, follow }: LogWish,
  signal: AbortSignal,
): Promise<Outcome<AsyncIterable<LogPiece>>> {
  const keeper = follow ? await runningKeeper(host, directory) : null
  const runs = async () => keeper !== null && !signal.aborted && (await host.table.lives(keeper.claim))
  return done(pieces(keeperLog(directory), tail, runs, signal))
}

async function* pieces(
  path: string,
  tail: number | null,
  runs: () => Promise<boolean>,
  signal: AbortSignal,
): AsyncGenerator<LogPiece> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r')
    let at = tail === null ? 0 : await startOfTail(file, tail)
    for (;;) {
      // In this order: what a keeper wrote before its end is read.
      const goesOn = await runs()
      for await (const bytes of newIn(file, at)) {
        if (signal.aborted) return
        at += bytes.length
        yield { stream: 'stderr', bytes, at: null }
      }
      if (!goesOn) return
      await pause(everyMs, signal)
    }
  } catch (error) {
    // The directory may be removed under a reader, or has never had a keeper.
    if (codeOf(error) === '') throw error
  } finally {
    await file?.close()
  }
}

/** Where the last so many lines begin. A last line without its end counts. */
async function startOfTail(file: FileHandle, lines: number): Promise<number> {
  const { size } = await file.stat()
  if (lines === 0) return size
  let ends = 0
  for (let at = size; at > 0; ) {
    const from = Math.max(0, at - blockBytes)
    const block = await readAt(file, from, at - from)
    for (let index = block.length - 1; index >= 0; index -= 1) {
      if (block[index] !== 10 || from + index === size - 1) continue
      ends += 1
      if (ends === lines) return from + index + 1
    }
    at = from
  }
  return 0
}
