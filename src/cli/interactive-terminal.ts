import type { ClientExecOptions, Shell, ShellEvent } from '../client/client.ts'
import { CliError, signalExitCode } from './cli-error.ts'
import type { CommandContext } from './command-context.ts'

/**
 * Runs a shell, or the command of `options`, in a terminal, and returns its exit code. Returns `undefined` if stdin or stdout is not a
 * terminal.
 */
export async function runInTerminal(
  context: CommandContext,
  id: string,
  options?: ClientExecOptions,
): Promise<number | undefined> {
  const { stdin, stdout } = context.environment
  if (!stdin.isTTY || !stdout.isTTY) return undefined
  const { client, out, endpoint } = context
  const { WebSocket } = await import('ws') // loaded here only: other commands start faster without it
  const size = () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 })
  const shell = client.shell(id, {
    ...size(),
    ...(options && toShellProgram(options)),
    connect: (url) => new WebSocket(url, { headers: endpoint.headers }),
    signal: new AbortController().signal,
  })
  const keyboard = forwardKeys(context, shell)
  const resize = () => shell.resize(size())
  stdout.on('resize', resize)
  try {
    for await (const event of shell.events) {
      if (event.kind === 'connected' || event.kind === 'disconnected') keyboard.setConnected(event.kind === 'connected')
      if (event.kind === 'output') await out.writeBytes('stdout', event.bytes)
      else if (event.kind === 'disconnected' && event.retryInMs < 500)
        out.printStatus(`\r\nvm: ${event.reason} Reconnecting; press Ctrl-C to give up.\r`)
      else if (event.kind === 'ended' || event.kind === 'taken-over') {
        keyboard.stop()
        return toExitCode(event, options === undefined, context.targetWorkspace?.name ?? 'NAME')
      }
    }
  } finally {
    keyboard.stop()
    stdout.off('resize', resize)
  }
  out.printStatus(
    keyboard.isConnected() ? '\nvm: Hung up.' : '\nvm: Disconnected. The service hangs up the session in five minutes.',
  )
  return signalExitCode('SIGHUP')
}

/** The API of shells has no variables and no working directory, so `env` and `sh` set them. */
function toShellProgram({ command, env = {}, cwd, user }: ClientExecOptions): { argv: string[]; user?: string } {
  const commandWords = typeof command === 'string' ? ['/bin/sh', '-c', command] : command
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const changeDirectory = cwd === undefined ? [] : ['/bin/sh', '-c', 'cd -- "$0" && exec "$@"', cwd]
  const argv = [...changeDirectory, ...(variables.length === 0 ? [] : ['env', ...variables]), ...commandWords]
  return { argv, ...(user !== undefined && { user }) }
}

const interrupt = 3
const newline = [10, 13]
const tilde = 126
const dot = 46

interface KeyForwarding {
  setConnected(isConnected: boolean): void
  isConnected(): boolean
  stop(): void
}

/** Sends keys to the shell, also those typed before it was connected. `~.` at the start of a line hangs up; so does Ctrl-C without a connection. */
function forwardKeys({ environment: { stdin } }: CommandContext, shell: Shell): KeyForwarding {
  let connected = false
  let earlyInput: Buffer[] | undefined = []
  let atLineStart = true
  let isTildePending = false
  const hangUp = () => shell.hangUp()
  const onInput = (bytes: Buffer) => {
    for (const byte of bytes) {
      if (isTildePending && byte === dot) return hangUp()
      isTildePending = atLineStart && byte === tilde
      atLineStart = newline.includes(byte)
    }
    if (!connected && bytes.includes(interrupt)) return hangUp()
    if (earlyInput) earlyInput.push(bytes)
    else shell.write(bytes)
  }
  stdin.setRawMode(true)
  stdin.on('data', onInput)
  process.once('SIGTERM', hangUp)
  process.once('SIGHUP', hangUp)
  return {
    setConnected(isNowConnected) {
      connected = isNowConnected
      if (isNowConnected) for (const bytes of earlyInput ?? []) shell.write(bytes)
      if (isNowConnected) earlyInput = undefined
    },
    isConnected: () => connected,
    stop() {
      stdin.off('data', onInput)
      stdin.setRawMode(false)
      stdin.pause()
      process.off('SIGTERM', hangUp)
      process.off('SIGHUP', hangUp)
    },
  }
}

function toExitCode(
  event: Extract<ShellEvent, { kind: 'ended' | 'taken-over' }>,
  isShell: boolean,
  name: string,
): number {
  if (event.kind === 'taken-over')
    throw new CliError('Another client has taken over the shell.', {
      next: 'Continue there.',
      code: 'taken-over',
    })
  if (event.exit_code !== undefined) return event.exit_code
  if (event.signal !== undefined) return signalExitCode(event.signal)
  throw new CliError(event.error ?? `The result of the ${isShell ? 'shell' : 'command'} is unknown.`, {
    next: isShell
      ? `Open a new shell with: vm ssh ${name}`
      : 'Check what the command has done, and run it again if necessary.',
    code: 'lost',
  })
}
