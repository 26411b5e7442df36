import { fstatSync } from 'node:fs'
import { constants } from 'node:os'
import { Command } from 'commander'
import type { Exec, ExecEvent, ExecWish } from '../../client/client.ts'
import { ApiError } from '../../client/api-error.ts'
import { pieceOf } from '../../client/piece.ts'
import { CliError, exitCodes, usageError } from '../cli-error.ts'
import { secondsIn } from '../duration.ts'
import { findWorkspace } from '../find-workspace.ts'
import type { Runner } from '../runner.ts'
import type { Session } from '../session.ts'
import { terminalIn } from '../terminal.ts'

/** Without a connection for so long, a run is left. */
const patienceMs = 5 * 60_000

const collect = (value: string, before: readonly string[] = []) => [...before, value]

/** `hasDashes`: what follows `--` is the command, so options may stand on either side of the name. */
export function execCommand(run: Runner, hasDashes: boolean): Command {
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
      run(async (session, [name = '', ...words], options) => {
        const command = words[0] === '--' ? words.slice(1) : words
        if (command.length === 0) throw usageError('There is no command.', 'For example: vm exec demo -- ls -la')
        const { env, cwd, user, timeout, tty, stdin } = options
        const wish: ExecWish = {
          command,
          ...(Array.isArray(env) && { env: Object.fromEntries(env.map(variableOf)) }),
          ...(typeof cwd === 'string' && { cwd }),
          ...(typeof user === 'string' && { user }),
          ...(typeof timeout === 'string' && { timeoutMs: 1000 * secondsIn(timeout) }),
        }
        if (tty === true && wish.timeoutMs !== undefined)
          throw usageError('In a terminal there is no --timeout.', 'Leave one of the two out.')
        const { id } = await findWorkspace(session, name)
        if (tty === true && !session.json) {
          const code = await terminalIn(session, id, wish)
          if (code !== undefined) return code
          session.out.note('vm: there is no terminal here, so it runs without one.')
        }
        return runIn(session, id, { ...wish, ...(reads(session, stdin) && { stdin: session.surroundings.stdin }) })
      }),
    )
}

/** Whoever read the output has gone. */
const brokenPipe = 128 + constants.signals.SIGPIPE

/** Runs a command, and answers what its exit code is here. */
export async function runIn(session: Session, id: string, wish: ExecWish): Promise<number> {
  const { client, out } = session
  const over = new AbortController()
  const exec = client.exec(id, { ...wish, signal: over.signal })
  const stopListening = passSignals(exec, over)
  let gone = false
  session.whenGone = async () => {
    gone = true
    await exec.kill('SIGHUP').catch(() => {}) // it may have ended
    return brokenPipe
  }
  let lostAt: number | undefined
  let missing = 0
  try {
    for await (const event of exec.events) {
      if (event.kind === 'lost') {
        lostAt ??= Date.now()
        if (Date.now() - lostAt > patienceMs) throw givenUp(exec)
        if (event.againMs < 500) out.note(`vm: ${event.why} Trying again.`)
      } else lostAt = undefined
      const line = session.json ? lineOf(event) : undefined
      if (line) await out.jsonLine(line)
      else if (event.kind === 'output') await out.bytes(event.stream, event.bytes)
      else if (event.kind === 'dropped') {
        missing += event.bytes
        out.note(`vm: ${event.bytes} bytes of output are missing here: they were not read in time.`)
      }
      if (event.kind !== 'ended') continue
      if (gone) return brokenPipe
      const code = codeOf(event)
      if (code === 0 && missing > 0) throw notWhole(missing)
      return code
    }
  } finally {
    stopListening()
  }
  out.note(`vm: left. The command goes on, as run ${exec.execId}.`)
  return 128 + constants.signals.SIGINT
}

/** The first signal is the command's, the next one ours. */
function passSignals(exec: Exec, over: AbortController): () => void {
  let passed = false
  const pass = (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') => {
    if (passed) over.abort()
    passed = true
    // Before it has begun there is nothing to interrupt.
    exec.kill(signal).catch((error: unknown) => {
      if (!(error instanceof ApiError && error.status === 404)) return
      over.abort()
    })
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, pass)
  return () => {
    for (const signal of signals) process.off(signal, pass)
  }
}

function codeOf(end: Extract<ExecEvent, { kind: 'ended' }>): number {
  if (end.exit_code !== undefined) return end.exit_code
  if (end.signal !== undefined) return 128 + (Object(constants.signals)[end.signal] ?? 0)
  const errors: Readonly<Record<string, CliError>> = {
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
  throw errors[end.error ?? ''] ?? new CliError(`It was ended: ${end.error}.`, { next: 'Run it again.' })
}

/** Success would say that what was written here is all of it. */
function notWhole(bytes: number): CliError {
  return new CliError(`The command has succeeded, but ${bytes} bytes of its output are missing.`, {
    next: 'Run it again, and read what it writes as it comes; or have it write to a file, and take that with vm cp.',
    code: 'output-missing',
  })
}

function givenUp({ execId }: Exec): CliError {
  return new CliError('The service has been away for too long.', {
    next: `The command may go on, as run ${execId}.`,
    code: 'unreachable',
  })
}

/** A line as the API writes it; nothing for what is only known here. */
function lineOf(event: ExecEvent): object | undefined {
  if (event.kind === 'output') return { seq: event.seq, stream: event.stream, ...pieceOf(event.bytes) }
  if (event.kind === 'dropped') return { seq: event.seq, dropped_bytes: event.bytes }
  if (event.kind !== 'ended') return undefined
  const { kind: _, ...rest } = event
  return rest
}

function reads({ surroundings: { stdin } }: Session, wished: unknown): boolean {
  if (typeof wished === 'boolean') return wished
  if (stdin.isTTY) return false
  try {
    return !fstatSync(0).isCharacterDevice() // /dev/null has nothing to say
  } catch {
    return false
  }
}

function variableOf(text: string): [name: string, value: string] {
  const at = text.indexOf('=')
  if (at < 1) throw usageError(`"${text}" is no variable.`, 'Write it as --env NAME=value.')
  return [text.slice(0, at), text.slice(at + 1)]
}
