import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import { type SpawnRequest, type LocalProcess, spawnChild } from './spawn-child.ts'
import { stdioWithoutTerminals } from '../host/terminal-descriptors.ts'
import { processOutput, type OutputSource } from './process-output.ts'

/** Starts a command that writes to pipes. */
export async function spawnPiped(request: SpawnRequest, readsStdin: boolean): Promise<Outcome<LocalProcess>> {
  const child = await spawnChild(request, stdioWithoutTerminals([readsStdin ? 'pipe' : 'ignore', 'pipe', 'pipe']))
  if (!child.ok) return child
  const { process, pid, exited } = child.value
  const { stdin, stdout, stderr } = process
  if (stdout === null || stderr === null) return fault('transient', 'The command started without pipes.')
  // A write to a command that no longer reads is not an error.
  stdin?.on('error', () => undefined)
  const sources: readonly OutputSource[] = [
    { stream: 'stdout', readable: stdout },
    { stream: 'stderr', readable: stderr },
  ]
  const { output, detach } = processOutput(sources, exited)
  return ok({
    pid,
    output,
    stdin,
    exited,
    resize: () => undefined,
    detach: () => {
      stdin?.destroy()
      process.unref()
      detach()
    },
  })
}
