import { mkdir } from 'node:fs/promises'
import { done, fault, type Outcome } from '../../workspace/fault.ts'
import type { Recipe } from '../../workspace/recipe.ts'
import type { RunOutput } from '../../workspace/run.ts'
import type { Subject } from '../../workspace/subject.ts'
import { type CommandEnd, runCommand } from './command.ts'
import type { Directory } from './directory.ts'
import { endProcesses } from './ending.ts'
import { commandVariable, environmentOf, incarnationVariable, runVariable, workspaceMark } from './environment.ts'
import type { Host } from './host.ts'
import { runningKeeper } from './keeper.ts'

/** Runs the recipe's lifecycle commands in the running workspace, in order, as far as the first that fails. */
export async function setup(
  host: Host,
  directory: Directory,
  subject: Subject,
  signal: AbortSignal,
  progress: (text: string) => void,
  heard: (command: string, output: RunOutput) => void,
): Promise<Outcome<void>> {
  const { id, recipe } = subject
  const keeper = await runningKeeper(host, directory)
  if (keeper === null) return fault('later', 'The workspace does not run. Start it, then its commands can be run.')
  // A service that was killed in mid-setup has left its commands running, and they would get in the way of the same ones now (law 3).
  const which = ({ variables }: { variables: Readonly<Record<string, string>> }) => commandVariable in variables
  const swept = await endProcesses(host, id, signal, { graceMs: host.graceMs, which })
  if (!swept.ok) return swept
  await mkdir(directory.home, { recursive: true, mode: 0o700 })
  const run = { [incarnationVariable]: directory.incarnation, [runVariable]: String(keeper.number) }
  const marks = { ...workspaceMark(host.installation, id), ...run, [commandVariable]: '1' }
  const env = environmentOf(recipe, directory, host.path, marks)
  // A halt ends the keeper first and then looks for processes. So a command that still sees the keeper is found by it.
  const mayRun = () => host.table.lives(keeper.claim)
  for (const command of commandsOf(recipe, subject.prepared)) {
    if (signal.aborted) return fault('later', `${command.name} was not run: nobody waits for it any more.`)
    progress(`Running ${command.name}`)
    const end = await runCommand(command, directory, {
      env,
      timeoutMs: host.commandMs,
      signal,
      mayRun,
      heard: (output) => heard(command.name, output),
    })
    if (end.kind === 'ended' && end.code === 0) continue
    if (!(await mayRun())) return fault('later', `The workspace was ended while ${command.name} ran.`)
    if (signal.aborted) return fault('later', `${command.name} was killed: nobody waits for it any more.`)
    return fault('never', `${command.name} ${wordsOf(end, host.commandMs)}`)
  }
  return done(undefined)
}

function commandsOf({ onCreate, postCreate, postStart }: Recipe, prepared: boolean) {
  return prepared ? postStart : [...onCreate, ...postCreate, ...postStart]
}

function wordsOf(end: CommandEnd, timeoutMs: number): string {
  if (end.kind === 'unstarted') return `could not be started: ${end.reason}`
  if (end.kind === 'ended') return `failed with exit code ${end.code}.${lastWords(end.output)}`
  if (end.kind === 'killed') return `was killed by ${end.by}.${lastWords(end.output)}`
  return `was killed: it had not ended after ${timeoutMs / 1000} seconds.${lastWords(end.output)}`
}

function lastWords(output: string): string {
  return output === '' ? ' It printed nothing.' : ` It last printed:\n${output}`
}
