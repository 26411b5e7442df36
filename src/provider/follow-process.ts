import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { OutputChunk, ProcessExit } from '../workspace/guest-process.ts'
import type { GuestProcess } from './guest.ts'
import { type OutputTail, outputTail } from './output-tail.ts'

/** How a followed process ended, or why it is no longer followed. In the last two cases it still runs. */
export type FollowResult =
  | { readonly kind: 'exited'; readonly exit: ProcessExit; readonly output: OutputTail }
  | { readonly kind: 'timed-out'; readonly output: OutputTail }
  | { readonly kind: 'aborted'; readonly output: OutputTail }

/**
 * Reads a process's output until the process exits, `timeoutMs` have passed, or `signal` is aborted. Neither the timeout nor the signal
 * ends the process; the caller kills it or detaches from it. Never rejects unless `onOutput` throws.
 */
export async function followProcess(
  process: GuestProcess,
  timeoutMs: number,
  signal: AbortSignal,
  onOutput: (chunk: OutputChunk, tail: OutputTail) => void = () => undefined,
): Promise<FollowResult> {
  const output = outputTail()
  async function readOutput(): Promise<void> {
    for await (const chunk of process.output) {
      output.append(chunk)
      onOutput(chunk, output)
    }
  }
  const reading = readOutput()
  if (signal.aborted) return { kind: 'aborted', output }
  const settled = new AbortController()
  const timeout = delay(timeoutMs, 'timed-out' as const, { signal: settled.signal })
  const abort = once(signal, 'abort', { signal: settled.signal }).then(() => 'aborted' as const)
  try {
    const result = await Promise.race([process.exited, timeout, abort])
    if (typeof result === 'string') return { kind: result, output }
    // What the process wrote last may still be on its way. A background child that writes on holds this up for a bounded time.
    await Promise.race([reading, abort])
    return { kind: 'exited', exit: result, output }
  } finally {
    settled.abort()
  }
}
