import { type FileHandle, open, rm } from 'node:fs/promises'
import { ok, type Outcome } from '../../../workspace/fault.ts'
import type { OutputChunk } from '../../../workspace/guest-process.ts'
import { pollDelay } from '../host/poll-delay.ts'
import { readAppended } from '../host/read-appended.ts'
import { stdioWithoutTerminals } from '../host/terminal-descriptors.ts'
import { newTemporaryPath, type WorkspaceDirectory } from '../keeper/workspace-directory.ts'
import { type LocalProcess, type SpawnRequest, spawnChild } from './spawn-child.ts'

/** The system does not report that a file was written to. */
const pollIntervalMs = 100

/**
 * Starts a command that writes to an unlinked file. Its background children can write on after the service has ended; a pipe would kill them
 * with SIGPIPE. stdout and stderr are one stream, in the order of the writes. The caller must read `output`, whose end closes the file.
 */
export async function spawnToFile(
  request: SpawnRequest,
  directory: WorkspaceDirectory,
): Promise<Outcome<LocalProcess>> {
  const path = await newTemporaryPath(directory)
  const file = await open(path, 'ax+', 0o600)
  await rm(path)
  const child = await spawnChild(request, stdioWithoutTerminals(['ignore', file.fd, file.fd]))
  if (!child.ok) {
    await file.close()
    return child
  }
  const { process, pid, exited } = child.value
  const ended = new AbortController()
  void exited.then(() => ended.abort())
  return ok({
    pid,
    output: followFile(file, ended.signal),
    stdin: null,
    exited,
    resize: () => undefined,
    detach: () => {
      process.unref()
      ended.abort()
    },
  })
}

/** Follows the file until `ended` is aborted, and reads the rest. Closes the file. */
async function* followFile(file: FileHandle, ended: AbortSignal): AsyncGenerator<OutputChunk> {
  try {
    for (let offset = 0; ; ) {
      const isFinalRead = ended.aborted
      for await (const bytes of readAppended(file, offset)) {
        offset += bytes.length
        yield { stream: 'stdout', bytes }
      }
      if (isFinalRead) return
      await pollDelay(pollIntervalMs, ended)
    }
  } finally {
    await file.close()
  }
}
