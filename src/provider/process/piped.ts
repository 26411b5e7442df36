import { done, fault, type Outcome } from '../../workspace/fault.ts'
import { type Start, type Started, startChild } from './child.ts'
import { withoutTerminals } from './open-terminals.ts'
import { runOutput, type Source } from './run-output.ts'

/** Starts a command that writes to pipes. */
export async function startPiped(start: Start, reads: boolean): Promise<Outcome<Started>> {
  const child = await startChild(start, withoutTerminals([reads ? 'pipe' : 'ignore', 'pipe', 'pipe']))
  if (!child.ok) return child
  const { process, pid, ended } = child.value
  const { stdin, stdout, stderr } = process
  if (stdout === null || stderr === null) return fault('later', 'The command was started without pipes.')
  // Whoever writes to a command that does not read any more is not to blame for it.
  stdin?.on('error', () => undefined)
  const sources: readonly Source[] = [
    { stream: 'stdout', readable: stdout },
    { stream: 'stderr', readable: stderr },
  ]
  const { output, leave } = runOutput(sources, ended)
  return done({
    pid,
    output,
    stdin,
    ended,
    resize: () => undefined,
    leave: () => {
      stdin?.destroy()
      process.unref()
      leave()
    },
  })
}
