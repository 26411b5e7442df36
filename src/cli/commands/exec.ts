import { fstatSync } from 'node:fs'
import { constants } from 'node:os'
import { Command } from 'commander'
import type { Exec, ExecEvent, ClientExecOptions } from '../../client/client.ts'
import { ApiError } from '../../client/api-error.ts'
import { encodeBytes } from '../../client/encoded-bytes.ts'
import { CliError, exitCodes, usageError } from '../cli-error.ts'
import { parseDurationSeconds } from '../output/duration.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import type { CommandRunner } from '../command-runner.ts'
import type { CommandContext } from '../command-context.ts'
import { runInTerminal } from '../interactive-terminal.ts'

/** Without a connection for so long, a run is left. */
const reconnectTimeoutMs = 5 * 60_000

const collect = (value: string, previous: readonly string[] = []) => [...previous, value]

/** `hasDashes`: what follows `--` is the command, so options may stand on either side of the name. */
export function execCommand(run: CommandRunner, hasDashes: boolean): Command {
  return new Command('exec')
    .summary('a command in it, as if it ran here')
    .description(
      "Runs a command in a workspace: what is piped in here it reads, what it writes is written here, and its exit code is this one's. Ctrl-C interrupts it; a second one leaves it to itself.",
    )
    .argument('<name>', 'name, or the beginning of its id')
    .argument('<command...>', 'the command and its arguments, after --; no shell reads them')
    .option('-i, --stdin', 'it reads what is typed here too; what is piped in or comes from a file, it reads anyway')
    .option('-n, --no-stdin', 'it reads nothing, as in a loop that reads a list')
    .option('-t, --tty', 'in a terminal, if there is one here')
    .option('-e, --env <name=value>', 'a variable for it; may be repeated', collect)
    .option('-C, --cwd <path>', 'where it begins')
    .option('-u, --user <name>', 'as whom in the workspace; as whom on the service stands in front of `exec`')
    .option('--timeout <time>', 'killed after so long: 90s, 15m; then the exit code is 124')
    .passThroughOptions(!hasDashes)
    .action(
      run(async (context, [name = '', ...args], options) => {
        const command = args[0] === '--' ? args.slice(1) : args
        if (command.length === 0) throw usageError('There is no command.', 'For example: vm exec demo -- ls -la')
        const { env, cwd, user, timeout, tty, stdin } = options
        const execOptions: ClientExecOptions = {
          command,
          ...(Array.isArray(env) && { env: Object.fromEntries(env.map(parseEnvVariable)) }),
          ...(typeof cwd === 'string' && { cwd }),
          ...(typeof user === 'string' && { user }),
          ...(typeof timeout === 'string' && { timeoutMs: 1000 * parseDurationSeconds(timeout) }),
        }
        if (tty === true && execOptions.timeoutMs !== undefined)
          throw usageError('In a terminal there is no --timeout.', 'Leave one of the two out.')
        const { id } = await findWorkspace(context, name)
        if (tty === true && !context.json) {
          const exitCode = await runInTerminal(context, id, execOptions)
          if (exitCode !== undefined) return exitCode
          context.out.printStatus('vm: there is no terminal here, so it runs without one.')
        }
        return runInWorkspace(context, id, {
          ...execOptions,
          ...(readsStdin(context, stdin) && { stdin: context.environment.stdin }),
        })
      }),
    )
}

/** Whoever read the output has gone. */
const brokenPipeExitCode = 128 + constants.signals.SIGPIPE

/** Runs a command, and answers what its exit code is here. */
export async function runInWorkspace(context: CommandContext, id: string, options: ClientExecOptions): Promise<number> {
  const { client, out } = context
  const abortController = new AbortController()
  const exec = client.exec(id, { ...options, signal: abortController.signal })
  const stopListening = forwardSignals(exec, abortController)
  let isStdoutClosed = false
  context.onStdoutClosed = async () => {
    isStdoutClosed = true
    await exec.kill('SIGHUP').catch(() => {}) // it may have ended
    return brokenPipeExitCode
  }
  let disconnectedAt: number | undefined
  let missingBytes = 0
  try {
    for await (const event of exec.events) {
      if (event.kind === 'disconnected') {
        disconnectedAt ??= Date.now()
        if (Date.now() - disconnectedAt > reconnectTimeoutMs) throw serviceUnreachable(exec)
        if (event.retryInMs < 500) out.printStatus(`vm: ${event.reason} Trying again.`)
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
      const exitCode = exitCodeFor(event)
      if (exitCode === 0 && missingBytes > 0) throw outputMissing(missingBytes)
      return exitCode
    }
  } finally {
    stopListening()
  }
  out.printStatus(`vm: left. The command goes on, as run ${exec.execId}.`)
  return 128 + constants.signals.SIGINT
}

/** The first signal is the command's, the next one ours. */
function forwardSignals(exec: Exec, abortController: AbortController): () => void {
  let forwarded = false
  const forward = (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') => {
    if (forwarded) abortController.abort()
    forwarded = true
    // Before it has begun there is nothing to interrupt.
    exec.kill(signal).catch((error: unknown) => {
      if (!(error instanceof ApiError && error.status === 404)) return
      abortController.abort()
    })
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, forward)
  return () => {
    for (const signal of signals) process.off(signal, forward)
  }
}

function exitCodeFor(event: Extract<ExecEvent, { kind: 'ended' }>): number {
  if (event.exit_code !== undefined) return event.exit_code
  if (event.signal !== undefined) return 128 + (Object(constants.signals)[event.signal] ?? 0)
  const errorsByReason: Readonly<Record<string, CliError>> = {
    timeout: new CliError('It was killed: its time was over.', {
      next: 'Give it more with --timeout.',
      exitCode: exitCodes.timeout,
      code: 'timeout',
    }),
    lost: new CliError('How it ended was not seen: the service or the workspace went down meanwhile.', {
      next: 'Look what it has done, and run it again if need be.',
      code: 'lost',
    }),
    'stdin-cut-off': new CliError('It was ended: its input was cut off.', {
      next: 'Run it again.',
      code: 'stdin-cut-off',
    }),
  }
  throw errorsByReason[event.error ?? ''] ?? new CliError(`It was ended: ${event.error}.`, { next: 'Run it again.' })
}

/** Success would say that what was written here is all of it. */
function outputMissing(missingBytes: number): CliError {
  return new CliError(`The command has succeeded, but ${missingBytes} bytes of its output are missing.`, {
    next: 'Run it again, and read what it writes as it comes; or have it write to a file, and take that with vm cp.',
    code: 'output-missing',
  })
}

function serviceUnreachable({ execId }: Exec): CliError {
  return new CliError('The service has been away for too long.', {
    next: `The command may go on, as run ${execId}.`,
    code: 'unreachable',
  })
}

/** A line as the API writes it; nothing for what is only known here. */
function toJsonLine(event: ExecEvent): object | undefined {
  if (event.kind === 'output') return { seq: event.seq, stream: event.stream, ...encodeBytes(event.bytes) }
  if (event.kind === 'dropped') return { seq: event.seq, dropped_bytes: event.bytes }
  if (event.kind !== 'ended') return undefined
  const { kind: _, ...rest } = event
  return rest
}

function readsStdin({ environment: { stdin } }: CommandContext, requested: unknown): boolean {
  if (typeof requested === 'boolean') return requested
  if (stdin.isTTY) return false
  try {
    return !fstatSync(0).isCharacterDevice() // /dev/null has nothing to say
  } catch {
    return false
  }
}

function parseEnvVariable(text: string): [name: string, value: string] {
  const separatorIndex = text.indexOf('=')
  if (separatorIndex < 1) throw usageError(`"${text}" is no variable.`, 'Write it as --env NAME=value.')
  return [text.slice(0, separatorIndex), text.slice(separatorIndex + 1)]
}
