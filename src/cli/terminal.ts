import { constants } from 'node:os'
import type { ExecWish, Shell, ShellEvent } from '../client/client.ts'
import { CliError } from './cli-error.ts'
import type { Session } from './session.ts'

/** A shell, or `wish` in a terminal; `undefined` if there is no terminal at both ends of ours. Answers the exit code. */
export async function terminalIn(session: Session, id: string, wish?: ExecWish): Promise<number | undefined> {
  const { stdin, stdout } = session.surroundings
  if (!stdin.isTTY || !stdout.isTTY) return undefined
  const { client, out, server } = session
  const { WebSocket } = await import('ws') // only who needs it waits for it to be loaded
  const size = () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 })
  const shell = client.shell(id, {
    ...size(),
    ...(wish && programOf(wish)),
    connect: (url) => new WebSocket(url, { headers: server.headers }),
    signal: new AbortController().signal,
  })
  const keys = passKeys(session, shell)
  const resize = () => shell.resize(size())
  stdout.on('resize', resize)
  try {
    for await (const event of shell.events) {
      if (event.kind === 'connected' || event.kind === 'lost') keys.connection(event.kind === 'connected')
      if (event.kind === 'output') await out.bytes('stdout', event.bytes)
      else if (event.kind === 'lost' && event.againMs < 500)
        out.note(`\r\nvm: ${event.why} Trying again; Ctrl-C leaves.\r`)
      else if (event.kind === 'ended' || event.kind === 'taken-over') {
        keys.stop()
        return codeOf(event, wish === undefined, session.about?.name ?? 'NAME')
      }
    }
  } finally {
    keys.stop()
    stdout.off('resize', resize)
  }
  out.note(
    keys.isThere() ? '\nvm: left, and it is hung up.' : '\nvm: left. If it still runs, it is hung up in five minutes.',
  )
  return 128 + constants.signals.SIGHUP
}

/** Variables and the folder are set by programs that every workspace has. */
function programOf({ command, env = {}, cwd, user }: ExecWish): { argv: string[]; user?: string } {
  const words = typeof command === 'string' ? ['/bin/sh', '-c', command] : command
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const inFolder = cwd === undefined ? [] : ['/bin/sh', '-c', 'cd -- "$0" && exec "$@"', cwd]
  const argv = [...inFolder, ...(variables.length === 0 ? [] : ['env', ...variables]), ...words]
  return { argv, ...(user !== undefined && { user }) }
}

const interrupt = 3
const newline = [10, 13]
const tilde = 126
const dot = 46

interface Keys {
  /** Whether what is typed gets there. */
  connection(isThere: boolean): void
  isThere(): boolean
  stop(): void
}

/**
 * Passes on what is typed, all of it, also what was typed before the shell was there; `~.` at the beginning of a line leaves, and so does Ctrl-C
 * while there is no connection.
 */
function passKeys({ surroundings: { stdin } }: Session, shell: Shell): Keys {
  let isThere = false
  let early: Buffer[] | undefined = []
  let atBegin = true
  let held = false
  const leave = () => shell.hangUp()
  const typed = (bytes: Buffer) => {
    for (const byte of bytes) {
      if (held && byte === dot) return leave()
      held = atBegin && byte === tilde
      atBegin = newline.includes(byte)
    }
    if (!isThere && bytes.includes(interrupt)) return leave()
    if (early) early.push(bytes)
    else shell.type(bytes)
  }
  stdin.setRawMode(true)
  stdin.on('data', typed)
  process.once('SIGTERM', leave)
  process.once('SIGHUP', leave)
  return {
    connection(now) {
      isThere = now
      if (now) for (const bytes of early ?? []) shell.type(bytes)
      if (now) early = undefined
    },
    isThere: () => isThere,
    stop() {
      stdin.off('data', typed)
      stdin.setRawMode(false)
      stdin.pause()
      process.off('SIGTERM', leave)
      process.off('SIGHUP', leave)
    },
  }
}

function codeOf(event: Extract<ShellEvent, { kind: 'ended' | 'taken-over' }>, isShell: boolean, name: string): number {
  if (event.kind === 'taken-over')
    throw new CliError('Another client has taken the shell over.', { next: 'It goes on there.', code: 'taken-over' })
  if (event.exit_code !== undefined) return event.exit_code
  if (event.signal !== undefined) return 128 + (Object(constants.signals)[event.signal] ?? 0)
  throw new CliError(event.error ?? `How ${isShell ? 'the shell' : 'it'} ended was not seen.`, {
    next: isShell ? `\`vm ssh ${name}\` opens another shell.` : 'Look what it has done, and run it again if need be.',
    code: 'lost',
  })
}
