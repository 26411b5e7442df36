import type { ClientExecOptions, Exec, ExecEvent } from '../client/client.ts'
import { ApiError } from '../client/api-error.ts'
import { encodeBytes } from '../client/bytes.ts'
import { CliError, exitCodes, signalExitCode } from './cli-error.ts'
import type { CommandContext } from './command-context.ts'

/** After this time without a connection, `vm` gives up. */
const reconnectTimeoutMs = 5 * 60_000

/** The reader of stdout has closed it. */
const brokenPipeExitCode = signalExitCode('SIGPIPE')

/** Runs a command in a workspace with the stdout and stderr of `vm`, and returns its exit code. */
export async function runInWorkspace(context: CommandContext, id: string, options: ClientExecOptions): Promise<number> {
  const { client, out } = context
  const abortController = new AbortController()
  const exec = client.exec(id, { ...options, signal: abortController.signal })
  const stopForwarding = forwardSignals(exec, abortController)
  let isStdoutClosed = false
  context.onStdoutClosed = async () => {
    isStdoutClosed = true
    await exec.kill('SIGHUP').catch(() => {}) // the command may have ended
    return brokenPipeExitCode
  }
  let disconnectedAt: number | undefined
  let missingBytes = 0
  try {
    for await (const event of exec.events) {
      if (event.kind === 'disconnected') {
        disconnectedAt ??= Date.now()
        if (Date.now() - disconnectedAt > reconnectTimeoutMs) throw serviceUnreachable(exec)
        if (event.retryInMs < 500) out.printStatus(`vm: ${event.reason} Reconnecting.`)
      } else disconnectedAt = undefined
      const jsonLine = context.json ? toJsonLine(event) : undefined
      if (jsonLine) await out.printJsonLine(jsonLine)
      else if (event.kind === 'output') await out.writeBytes(event.stream, event.bytes)
      else if (event.kind === 'dropped') {
        missingBytes += event.bytes
        out.printStatus(`vm: ${event.bytes} bytes of output are missing here: they were not read in time.`)
      }
      if (event.kind !== 'ended') continue
      if (isStdoutClosed) return brokenPipeExitCode
      const exitCode = toExitCode(event)
      if (exitCode === 0 && missingBytes > 0) throw outputMissing(missingBytes)
      return exitCode
    }
  } finally {
    stopForwarding()
  }
  out.printStatus(`vm: Detached. The command continues as exec session ${exec.execId}.`)
  return signalExitCode('SIGINT')
}

/** The first signal goes to the command; the next one ends `vm`. */
function forwardSignals(exec: Exec, abortController: AbortController): () => void {
  let forwarded = false
  const forward = (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') => {
    if (forwarded) abortController.abort()
    forwarded = true
    exec.kill(signal).catch((error: unknown) => {
      // The command has not started yet: there is nothing to interrupt.
      if (error instanceof ApiError && error.status === 404) abortController.abort()
    })
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, forward)
  return () => {
    for (const signal of signals) process.off(signal, forward)
  }
}

function toExitCode(event: Extract<ExecEvent, { kind: 'ended' }>): number {
  if (event.exit_code !== undefined) return event.exit_code
  if (event.signal !== undefined) return signalExitCode(event.signal)
  const errorsByReason: Readonly<Record<string, CliError>> = {
    timeout: new CliError('The command was killed after its timeout.', {
      next: 'Allow it more time with --timeout.',
      exitCode: exitCodes.timeout,
      code: 'timeout',
    }),
    lost: new CliError('The result of the command is unknown: the service or the workspace went down.', {
      next: 'Check what the command has done, and run it again if necessary.',
      code: 'lost',
    }),
    'stdin-cut-off': new CliError('The command was killed because its input was cut off.', {
      next: 'Run it again.',
      code: 'stdin-cut-off',
    }),
  }
  throw (
    errorsByReason[event.error ?? ''] ?? new CliError(`The command failed: ${event.error}.`, { next: 'Run it again.' })
  )
}

/** Exit code 0 would claim that the output is complete. */
function outputMissing(missingBytes: number): CliError {
  return new CliError(`The command succeeded, but ${missingBytes} bytes of its output are missing.`, {
    next: 'Run it again with a faster reader, or write the output to a file and copy that with vm cp.',
    code: 'output-missing',
  })
}

function serviceUnreachable({ execId }: Exec): CliError {
  return new CliError('The service has been unreachable for five minutes.', {
    next: `The command may still be running, as exec session ${execId}.`,
    code: 'unreachable',
  })
}

/** The line that the API sends for an event; nothing for events of the connection. */
function toJsonLine(event: ExecEvent): object | undefined {
  if (event.kind === 'output') return { seq: event.seq, stream: event.stream, ...encodeBytes(event.bytes) }
  if (event.kind === 'dropped') return { seq: event.seq, dropped_bytes: event.bytes }
  if (event.kind !== 'ended') return undefined
  const { kind: _, ...line } = event
  return line
}
