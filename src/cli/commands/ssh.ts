import { Command } from 'commander'
import { usageError } from '../cli-error.ts'
import type { CommandRunner } from '../command-runner.ts'
import { runInTerminal } from '../interactive-terminal.ts'
import { runInWorkspace } from '../run-in-workspace.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'

/** bash if the workspace has it, else sh. */
const loginShell = ['/bin/sh', '-c', 'command -v bash >/dev/null 2>&1 && exec bash -l; exec sh -l']

export function sshCommand(run: CommandRunner, hasDashes: boolean): Command {
  return new Command('ssh')
    .summary('open a shell')
    .description(
      'Opens a shell in a workspace, and reconnects to it after a lost connection. `~.` at the start of a line hangs it up. If stdin is not a terminal, the shell reads its commands from stdin. With COMMAND, the shell runs that instead, as ssh does.',
    )
    .argument('<name>', 'name of the workspace, or the start of its ID')
    .argument('[command...]', 'command line for the shell')
    .passThroughOptions(!hasDashes)
    .action(
      run(async (context, [name = '', ...args]) => {
        if (context.json)
          throw usageError('vm ssh has no JSON output.', 'Run a command instead: vm exec --json demo -- ls')
        const { id } = await findWorkspace(context, name)
        const { stdin } = context.environment
        const command = args[0] === '--' ? args.slice(1) : args
        if (command.length > 0)
          return runInWorkspace(context, id, { command: command.join(' '), ...(!stdin.isTTY && { stdin }) })
        return (await runInTerminal(context, id)) ?? runInWorkspace(context, id, { command: loginShell, stdin })
      }),
    )
}
