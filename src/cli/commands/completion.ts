import { Argument, Command } from 'commander'
import type { CommandRunner } from '../command-runner.ts'
import type { CommandContext } from '../command-context.ts'

/** Completion must not stall the prompt. */
const completionTimeoutMs = 1500
const shells = ['bash', 'zsh', 'fish'] as const

/** The command that prints a completion script, and the hidden command that the script calls. */
export function completionCommands(run: CommandRunner, program: Command): Command[] {
  return [
    new Command('completion')
      .summary('print a shell completion script')
      .description(
        'Prints a script that completes commands, options, and names of workspaces and templates in your shell. Install it with:\n\n  bash: echo \'eval "$(vm completion bash)"\' >> ~/.bashrc\n  zsh:  echo \'eval "$(vm completion zsh)"\' >> ~/.zshrc    (after compinit)\n  fish: vm completion fish > ~/.config/fish/completions/vm.fish',
      )
      .addArgument(new Argument('<shell>').choices(shells))
      .action(
        run(async ({ out }, [shell]) => {
          for (const supportedShell of shells) if (supportedShell === shell) out.printLine(scripts[supportedShell])
        }),
      ),
    new Command('__complete')
      .argument('[words...]')
      .allowUnknownOption()
      .passThroughOptions()
      .helpOption(false)
      .action(
        run(async (context, words) => {
          const prefix = words.at(-1) ?? ''
          const completions = await listCompletions(
            context,
            program,
            words.filter((word, index) => index > 0 || word !== '--').slice(0, -1),
            prefix,
          )
          for (const completion of completions.filter((candidate) => candidate.startsWith(prefix)))
            context.out.printLine(completion)
        }),
      ),
  ]
}

async function listCompletions(
  context: CommandContext,
  program: Command,
  previousWords: readonly string[],
  prefix: string,
): Promise<string[]> {
  const commandIndex = previousWords.findIndex((word) => !word.startsWith('-'))
  const command = program.commands.find(
    (candidate) =>
      candidate.name() === previousWords[commandIndex] ||
      candidate.aliases().includes(previousWords[commandIndex] ?? ''),
  )
  if (!command) {
    if (prefix.startsWith('-')) return longOptions(program)
    return program.commands.map((subcommand) => subcommand.name()).filter((name) => !name.startsWith('__'))
  }
  if (previousWords.includes('--')) return []
  if (previousWords.at(-1) === '--template')
    return emptyOnTimeout(context.client.templates().then((templates) => templates.map(({ name }) => name)))
  if (prefix.startsWith('-')) return longOptions(command)
  const [firstArgument] = command.registeredArguments
  const operandCount = previousWords.slice(commandIndex + 1).filter((word) => !word.startsWith('-')).length
  if (firstArgument?.argChoices) return operandCount === 0 ? [...firstArgument.argChoices] : []
  if (command.name() === 'create' || !firstArgument) return []
  if (command.name() === 'cp') return (await workspaceNames(context)).map((name) => `${name}:`)
  return firstArgument.variadic || operandCount === 0 ? workspaceNames(context) : []
}

const longOptions = (command: Command) => command.options.flatMap(({ long, hidden }) => (hidden || !long ? [] : [long]))

/** The names on the first page: more suggestions are not useful. */
function workspaceNames({ client }: CommandContext): Promise<string[]> {
  async function firstPageNames() {
    for await (const page of client.list()) return page.map(({ name }) => name)
    return []
  }
  return emptyOnTimeout(firstPageNames())
}

/** Returns no completions after a failure or a timeout: an error message would disturb the command line. */
function emptyOnTimeout(pending: Promise<string[]>): Promise<string[]> {
  return Promise.race([
    pending.catch(() => []),
    new Promise<string[]>((resolve) => setTimeout(() => resolve([]), completionTimeoutMs).unref()),
  ])
}

const scripts = {
  bash: `_vm_complete() {
  local words IFS=$'\\n'
  words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=($(vm __complete -- "\${words[@]}" 2>/dev/null))
  [[ \${COMPREPLY[0]-} == *: ]] && compopt -o nospace
}
complete -o default -F _vm_complete vm`,
  zsh: `_vm_complete() {
  local -a found
  found=("\${(@f)$(vm __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then
    [[ "\${found[1]}" == *: ]] && compadd -S '' -a found || compadd -a found
  else
    _files
  fi
}
compdef _vm_complete vm`,
  fish: `complete -c vm -f -a '(vm __complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
complete -c vm -n '__fish_seen_subcommand_from cp' -F`,
} as const
