import { fstatSync } from 'node:fs'
import { Command } from 'commander'
import type { ClientExecOptions } from '../../client/client.ts'
import { usageError } from '../cli-error.ts'
import type { CommandContext } from '../command-context.ts'
import type { CommandRunner } from '../command-runner.ts'
import { collectValues } from '../global-options.ts'
import { runInTerminal } from '../interactive-terminal.ts'
import { parseDurationSeconds } from '../output/duration.ts'
import { runInWorkspace } from '../run-in-workspace.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'

/** `hasDashes`: the command line has a `--`, so options may stand on either side of the name. */
export function execCommand(run: CommandRunner, hasDashes: boolean): Command {
  return new Command('exec')
    .summary('run a command')
    .description(
      'Runs a command in a workspace, with the stdin, stdout and stderr of vm, and exits with its exit code. Ctrl-C interrupts the command; a second Ctrl-C detaches from it.',
    )
    .argument('<name>', 'name of the workspace, or the start of its ID')
    .argument('<command...>', 'the command and its arguments, run without a shell')
    .option('-i, --stdin', 'send stdin, also from a terminal (default: only from pipes and files)')
    .option('-n, --no-stdin', 'send no stdin, for example inside a loop that reads a list')
    .option('-t, --tty', 'run in a terminal, if stdin and stdout are one')
    .option('-e, --env <name=value>', 'set a variable; repeatable', collectValues)
    .option('-C, --cwd <path>', 'working directory')
    .option('-u, --user <name>', 'user inside the workspace; put the --user of the service before exec')
    .option('--timeout <time>', 'kill the command after this time (90s, 15m) and exit with 124')
    .passThroughOptions(!hasDashes)
    .action(
      run(async (context, [name = '', ...args], options) => {
        const command = args[0] === '--' ? args.slice(1) : args
        if (command.length === 0) throw usageError('The command is missing.', 'For example: vm exec demo -- ls -la')
        const { env, cwd, user, timeout, tty, stdin } = options
        const execOptions: ClientExecOptions = {
          command,
          ...(Array.isArray(env) && { env: Object.fromEntries(env.map(parseEnvVariable)) }),
          ...(typeof cwd === 'string' && { cwd }),
          ...(typeof user === 'string' && { user }),
          ...(typeof timeout === 'string' && { timeoutMs: 1000 * parseDurationSeconds(timeout) }),
        }
        if (tty === true && execOptions.timeoutMs !== undefined)
          throw usageError('--tty and --timeout cannot be combined.', 'Omit one of the two.')
        const { id } = await findWorkspace(context, name)
        if (tty === true && !context.json) {
          const exitCode = await runInTerminal(context, id, execOptions)
          if (exitCode !== undefined) return exitCode
          context.out.printStatus('vm: stdin or stdout is not a terminal; running without one.')
        }
        return runInWorkspace(context, id, {
          ...execOptions,
          ...(readsStdin(context, stdin) && { stdin: context.environment.stdin }),
        })
      }),
    )
}

function readsStdin({ environment: { stdin } }: CommandContext, requested: unknown): boolean {
  if (typeof requested === 'boolean') return requested
  if (stdin.isTTY) return false
  try {
    return !fstatSync(0).isCharacterDevice() // /dev/null has no input
  } catch {
    return false
  }
}

function parseEnvVariable(text: string): [name: string, value: string] {
  const separatorIndex = text.indexOf('=')
  if (separatorIndex < 1) throw usageError(`"${text}" is not a variable.`, 'Write it like --env NAME=value.')
  return [text.slice(0, separatorIndex), text.slice(separatorIndex + 1)]
}
