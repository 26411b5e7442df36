import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { exitCodes } from './cli-error.ts'
import { completionCommands } from './commands/completion.ts'
import { cpCommand } from './commands/cp.ts'
import { createCommand } from './commands/create.ts'
import { execCommand } from './commands/exec.ts'
import { extendCommand } from './commands/extend.ts'
import { historyCommand } from './commands/history.ts'
import { startStopCommands } from './commands/lifecycle.ts'
import { logsCommand } from './commands/logs.ts'
import { lsCommand } from './commands/ls.ts'
import { openCommand } from './commands/open.ts'
import { rmCommand } from './commands/rm.ts'
import { serveCommand } from './commands/serve.ts'
import { showCommand } from './commands/show.ts'
import { sshCommand } from './commands/ssh.ts'
import { templatesCommand } from './commands/templates.ts'
import { configureHelpOutput } from './output/help.ts'
import { cliOutput } from './output/output.ts'
import { commandRunner } from './command-runner.ts'
import { addGlobalOptions } from './global-options.ts'
import type { CliEnvironment } from './cli-environment.ts'
import { toRecord } from './to-record.ts'

const commandsWithoutService = ['serve', 'completion', '__complete']

/** Runs `vm` with these arguments, and returns its exit code once all output is written. */
export async function runCli(args: readonly string[], environment: CliEnvironment): Promise<number> {
  const out = cliOutput(environment)
  let exitCode = 0
  const run = commandRunner({ environment, out, onExit: (code) => (exitCode = code) })
  const hasDashes = args.includes('--')

  const program = new Command('vm')
  const groups: readonly (readonly [heading: string, commands: readonly Command[]])[] = [
    [
      'Workspaces:',
      [
        lsCommand(run),
        createCommand(run),
        showCommand(run),
        ...startStopCommands(run),
        extendCommand(run),
        historyCommand(run),
        rmCommand(run),
      ],
    ],
    [
      'Running workspaces:',
      [sshCommand(run, hasDashes), execCommand(run, hasDashes), cpCommand(run), logsCommand(run)],
    ],
    [
      'Other commands:',
      [templatesCommand(run), openCommand(run), serveCommand(run), ...completionCommands(run, program)],
    ],
  ]
  addGlobalOptions(program)
  program
    .description('Create and use workspaces on a vm-api service.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .enablePositionalOptions()
    .showSuggestionAfterError()
  for (const [heading, commands] of groups)
    for (const command of commands)
      program.addCommand(command.helpGroup(heading), { hidden: command.name().startsWith('__') })
  for (const command of [program, ...program.commands]) configureHelpOutput(command, out, environment)
  for (const command of program.commands) {
    command.helpOption('-h, --help', 'print this help')
    if (!commandsWithoutService.includes(command.name())) addGlobalOptions(command)
  }

  try {
    if (args.length === 0) program.help()
    await program.parseAsync([...args], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    exitCode = error.exitCode === 0 ? 0 : exitCodes.usage
  }
  await out.flush()
  return exitCode
}

function version(): string {
  const packageUrl = new URL('../../package.json', import.meta.url)
  return String(toRecord(JSON.parse(readFileSync(packageUrl, 'utf8')))['version'])
}
