import { constants } from 'node:os'
import type { ClientExecOptions, Shell, ShellEvent } from '../client/client.ts'
import { CliError } from './cli-error.ts'
import type { CommandContext } from './command-context.ts'

/** A shell, or `wish` in a terminal; `undefined` if there is no terminal at both ends of ours. Answers the exit code. */
export async function runInTerminal(
  context: CommandContext,
  id: string,
  options?: ClientExecOptions,
): Promise<number | undefined> {
  const { stdin, stdout } = context.environment
  if (!stdin.isTTY || !stdout.isTTY) return undefined
  const { client, out, endpoint: server } = context
  const { WebSocket } = await import('ws') // only who needs it waits for it to be loaded
  const size = () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 })
  const shell = client.shell(id, {
    ...size(),
    ...(options && toShellProgram(options)),
    connect: (url) => new WebSocket(url, { headers: server.headers }),
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
        out.printStatus(`\r\nvm: ${event.reason} Trying again; Ctrl-C leaves.\r`)
      else if (event.kind === 'ended' || event.kind === 'taken-over') {
        keyboard.stop()
        return exitCodeFor(event, options === undefined, context.targetWorkspace?.name ?? 'NAME')
      }
    }
  } finally {
    keyboard.stop()
    stdout.off('resize', resize)
  }
  out.printStatus(
    keyboard.isConnected()
      ? '\nvm: left, and it is hung up.'
      : '\nvm: left. If it still runs, it is hung up in five minutes.',
  )
  return 128 + constants.signals.SIGHUP
}

/** Variables and the folder are set by programs that every workspace has. */
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
  /** Whether what is typed gets there. */
  setConnected(isConnected: boolean): void
  isConnected(): boolean
  stop(): void
}

/**
 * Passes on what is typed, all of it, also what was typed before the shell was there; `~.` at the beginning of a line leaves, and so does Ctrl-C
 * while there is no connection.
 */
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

function exitCodeFor(
  event: Extract<ShellEvent, { kind: 'ended' | 'taken-over' }>,
  isShell: boolean,
  name: string,
): number {
  if (event.kind === 'taken-over')
    throw new CliError('Another client has taken the shell over.', { next: 'It goes on there.', code: 'taken-over' })
  if (event.exit_code !== undefined) return event.exit_code
  if (event.signal !== undefined) return 128 + (Object(constants.signals)[event.signal] ?? 0)
  throw new CliError(event.error ?? `How ${isShell ? 'the shell' : 'it'} ended was not seen.`, {
    next: isShell ? `\`vm ssh ${name}\` opens another shell.` : 'Look what it has done, and run it again if need be.',
    code: 'lost',
  })
}
