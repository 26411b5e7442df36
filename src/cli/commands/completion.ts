import { Argument, Command } from 'commander'
import type { Runner } from '../runner.ts'
import type { Session } from '../session.ts'

/** Who presses a key does not wait longer. */
const patienceMs = 1500
const shells = ['bash', 'zsh', 'fish'] as const

/** The command that prints what a shell needs, and the hidden one that the shell then asks. */
export function completionCommands(run: Runner, program: Command): Command[] {
  return [
    new Command('completion')
      .summary('completes names and commands in your shell')
      .description(
        'Prints what your shell needs to complete commands, options, and names of workspaces and templates.\n\n  bash: echo \'eval "$(vm completion bash)"\' >> ~/.bashrc\n  zsh:  echo \'eval "$(vm completion zsh)"\' >> ~/.zshrc    (after compinit)\n  fish: vm completion fish > ~/.config/fish/completions/vm.fish',
      )
      .addArgument(new Argument('<shell>').choices(shells))
      .action(
        run(async ({ out }, [shell]) => {
          for (const one of shells) if (one === shell) out.say(scripts[one])
        }),
      ),
    new Command('__complete')
      .argument('[words...]')
      .allowUnknownOption()
      .passThroughOptions()
      .helpOption(false)
      .action(
        run(async (session, words) => {
          const begun = words.at(-1) ?? ''
          const all = await candidates(
            session,
            program,
            words.filter((word, at) => at > 0 || word !== '--').slice(0, -1),
            begun,
          )
          for (const one of all.filter((each) => each.startsWith(begun))) session.out.say(one)
        }),
      ),
  ]
}

async function candidates(
  session: Session,
  program: Command,
  before: readonly string[],
  begun: string,
): Promise<string[]> {
  const at = before.findIndex((word) => !word.startsWith('-'))
  const command = program.commands.find((one) => one.name() === before[at] || one.aliases().includes(before[at] ?? ''))
  if (!command) {
    if (begun.startsWith('-')) return longOptions(program)
    return program.commands.map((one) => one.name()).filter((name) => !name.startsWith('__'))
  }
  if (before.includes('--')) return []
  if (before.at(-1) === '--template') return soon(session.client.templates().then((all) => all.map(({ name }) => name)))
  if (begun.startsWith('-')) return longOptions(command)
  const [first] = command.registeredArguments
  const operands = before.slice(at + 1).filter((word) => !word.startsWith('-')).length
  if (first?.argChoices) return operands === 0 ? [...first.argChoices] : []
  if (command.name() === 'create' || !first) return []
  if (command.name() === 'cp') return (await names(session)).map((name) => `${name}:`)
  return first.variadic || operands === 0 ? names(session) : []
}

const longOptions = (command: Command) => command.options.flatMap(({ long, hidden }) => (hidden || !long ? [] : [long]))

/** Those on the first page: more would not be read. */
function names({ client }: Session): Promise<string[]> {
  async function first() {
    for await (const page of client.list()) return page.map(({ name }) => name)
    return []
  }
  return soon(first())
}

/** Nothing, if it cannot be had at once: a line that is being typed is no place for errors. */
function soon(asked: Promise<string[]>): Promise<string[]> {
  return Promise.race([
    asked.catch(() => []),
    new Promise<string[]>((resolve) => setTimeout(() => resolve([]), patienceMs).unref()),
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
