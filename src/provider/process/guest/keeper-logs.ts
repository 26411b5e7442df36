import { type FileHandle, open } from 'node:fs/promises'
import { ok, type Outcome } from '../../../workspace/fault.ts'
import type { LogChunk, LogOptions } from '../../guest.ts'
import { pollDelay } from '../host/poll-delay.ts'
import { type WorkspaceDirectory, keeperLogPath } from '../keeper/workspace-directory.ts'
import type { ProcessHost } from '../host/host.ts'
import { runningKeeper } from '../keeper/keeper.ts'
import { readAppended, readAt } from '../host/read-appended.ts'
import { systemErrorCode } from '../host/system-error.ts'

const pollIntervalMs = 200
const blockBytes = 65_536

/** The output of the workspace's keepers, which write errors only. Times are not recorded, so `since` is ignored. */
export async function keeperLogs(
  host: ProcessHost,
  directory: WorkspaceDirectory,
  { tail, follow }: LogOptions,
  signal: AbortSignal,
): Promise<Outcome<AsyncIterable<LogChunk>>> {
  const keeper = follow ? await runningKeeper(host, directory) : null
  const keeperIsAlive = async () =>
    keeper !== null && !signal.aborted && (await host.processTable.isAlive(keeper.claim))
  return ok(logChunks(keeperLogPath(directory), tail, keeperIsAlive, signal))
}

async function* logChunks(
  path: string,
  tail: number | null,
  keeperIsAlive: () => Promise<boolean>,
  signal: AbortSignal,
): AsyncGenerator<LogChunk> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r')
    let offset = tail === null ? 0 : await tailOffset(file, tail)
    for (;;) {
      // In this order: what a keeper wrote before its exit is read.
      const keepFollowing = await keeperIsAlive()
      for await (const bytes of readAppended(file, offset)) {
        if (signal.aborted) return
        offset += bytes.length
        yield { stream: 'stderr', bytes, at: null }
      }
      if (!keepFollowing) return
      await pollDelay(pollIntervalMs, signal)
    }
  } catch (error) {
    // The directory has been removed, or has never had a keeper.
    if (systemErrorCode(error) === '') throw error
  } finally {
    await file?.close()
  }
}

/** The offset of the last `lines` lines. A last line without a newline counts. */
async function tailOffset(file: FileHandle, lines: number): Promise<number> {
  const { size } = await file.stat()
  if (lines === 0) return size
  let lineEnds = 0
  for (let blockEnd = size; blockEnd > 0; ) {
    const blockStart = Math.max(0, blockEnd - blockBytes)
    const block = await readAt(file, blockStart, blockEnd - blockStart)
    for (let index = block.length - 1; index >= 0; index -= 1) {
      if (block[index] !== 10 || blockStart + index === size - 1) continue
      lineEnds += 1
      if (lineEnds === lines) return blockStart + index + 1
    }
    blockEnd = blockStart
  }
  return 0
}
