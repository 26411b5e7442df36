import { Command } from 'commander'
import { usageError } from '../cli-error.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import type { CommandRunner } from '../command-runner.ts'
import { runInTerminal } from '../interactive-terminal.ts'
import { runInWorkspace } from './exec.ts'

/** The best shell that there is. */
const loginShell = ['/bin/sh', '-c', 'command -v bash >/dev/null 2>&1 && exec bash -l; exec sh -l']

export function sshCommand(run: CommandRunner, hasDashes: boolean): Command {
  return new Command('ssh')
    .summary('a shell in it')
    .description(
      'Opens a shell in a workspace. It outlives lost connections; `~.` at the beginning of a line leaves it. Without a terminal here the shell reads what is piped in; with a command, that is run instead, as with ssh.',
    )
    .argument('<name>', 'name, or the beginning of its id')
    .argument('[command...]', 'text for the shell, in place of a terminal')
    .passThroughOptions(!hasDashes)
    .action(
      run(async (context, [name = '', ...args]) => {
        if (context.json) throw usageError('A shell has no JSON.', 'Run a command instead: vm exec --json demo -- ls')
        const { id } = await findWorkspace(context, name)
        const { stdin } = context.environment
        const command = args[0] === '--' ? args.slice(1) : args
        if (command.length > 0)
          return runInWorkspace(context, id, { command: command.join(' '), ...(!stdin.isTTY && { stdin }) })
        return (await runInTerminal(context, id)) ?? runInWorkspace(context, id, { command: loginShell, stdin })
      }),
    )
}
