import { Command } from 'commander'
import { usageError } from '../cli-error.ts'
import { findWorkspace } from '../find-workspace.ts'
import type { Runner } from '../runner.ts'
import { terminalIn } from '../terminal.ts'
import { runIn } from './exec.ts'

/** The best shell that there is. */
const loginShell = ['/bin/sh', '-c', 'command -v bash >/dev/null 2>&1 && exec bash -l; exec sh -l']

export function sshCommand(run: Runner, hasDashes: boolean): Command {
  return new Command('ssh')
    .summary('a shell in it')
    .description(
      'Opens a shell in a workspace. It outlives lost connections; `~.` at the beginning of a line leaves it. Without a terminal here the shell reads what is piped in; with a command, that is run instead, as with ssh.',
    )
    .argument('<name>', 'name, or the beginning of its id')
    .argument('[command...]', 'text for the shell, in place of a terminal')
    .passThroughOptions(!hasDashes)
    .action(
      run(async (session, [name = '', ...words]) => {
        if (session.json) throw usageError('A shell has no JSON.', 'Run a command instead: vm exec --json demo -- ls')
        const { id } = await findWorkspace(session, name)
        const { stdin } = session.surroundings
        const command = words[0] === '--' ? words.slice(1) : words
        if (command.length > 0)
          return runIn(session, id, { command: command.join(' '), ...(!stdin.isTTY && { stdin }) })
        return (await terminalIn(session, id)) ?? runIn(session, id, { command: loginShell, stdin })
      }),
    )
}
