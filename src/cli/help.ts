import type { Command, Help } from 'commander'
import type { Output } from './output.ts'
import type { Surroundings } from './surroundings.ts'

/** Longer lines are hard to read. */
const widest = 100

/** What all commands have in common in how they speak to people. */
export function speakPlainly(command: Command, out: Output, { stdout, stderr }: Surroundings): void {
  const { parent } = command
  command
    .exitOverride()
    .allowExcessArguments(false)
    .usage(parent ? `[options] ${operandsOf(command)}`.trim() : 'COMMAND [options]')
    .configureHelp({
      helpWidth: Math.min(out.columns ?? 80, widest),
      subcommandTerm: (sub) => `${sub.name()} ${operandsOf(sub)}`.trim(),
      argumentTerm: (argument) => argument.name().toUpperCase(),
      styleTitle: (text) => out.paint('bold', text),
      styleSubcommandText: (text) => out.paint('cyan', text),
      ...(!parent && { formatHelp: overview }),
    })
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      outputError: (text, write) =>
        write(
          `${out.paintNote('red', 'vm:')} ${text.replace(/^error: /, '').trimEnd()}\n    \`vm ${parent ? `${command.name()} ` : ''}--help\` says how it is used.\n`,
        ),
    })
}

/** The commands come first, since they are what one looks for. */
function overview(program: Command, help: Help): string {
  const commands = help.visibleCommands(program)
  const options = help.visibleOptions(program)
  const width = Math.max(
    ...commands.map((command) => help.subcommandTerm(command).length),
    ...options.map((option) => help.optionTerm(option).length),
  )
  const item = (term: string, text: string) => help.formatItem(term, width, text, help)
  const groups = [...new Set(commands.map((command) => command.helpGroup()))].map((heading) => [
    help.styleTitle(heading),
    ...commands
      .filter((command) => command.helpGroup() === heading)
      .map((command) => item(help.styleSubcommandText(help.subcommandTerm(command)), command.summary())),
  ])
  const flags = ['Options:', ...options.map((option) => item(help.optionTerm(option), option.description))]
  return [
    `Usage: vm ${program.usage()}`,
    program.description(),
    ...groups.map((lines) => lines.join('\n')),
    [help.styleTitle(flags[0] ?? ''), ...flags.slice(1)].join('\n'),
    `${help.styleTitle('To begin with:')}\n${example}`,
    'NAME is the name of a workspace, or the beginning of its id. `vm COMMAND --help` has more of each.\n',
  ].join('\n\n')
}

const example = `  vm serve                                   in one terminal: the service
  vm create demo --template nodejs --ttl 2h  in another: a workspace, for two hours
  vm ssh demo                                a shell in it
  tar c . | vm exec demo -- tar x            a command in it, fed from here
  vm cp demo:/etc/hosts .                    a file out of it`

function operandsOf(command: Command): string {
  const before = command.name() === 'exec' ? '-- ' : ''
  return command.registeredArguments
    .map((one) => {
      const name = `${one.name().toUpperCase()}${one.variadic ? '…' : ''}`
      return `${one.variadic ? before : ''}${one.required ? name : `[${name}]`}`
    })
    .join(' ')
}
