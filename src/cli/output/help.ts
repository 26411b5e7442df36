import type { Command, Help } from 'commander'
import type { CliOutput } from './output.ts'
import type { CliEnvironment } from '../cli-environment.ts'

/** Longer lines are hard to read, however wide the terminal is. */
const maxHelpWidth = 100

/** Configures the help and the usage errors of a command. */
export function configureHelpOutput(command: Command, out: CliOutput, { stdout, stderr }: CliEnvironment): void {
  const { parent } = command
  command
    .exitOverride()
    .allowExcessArguments(false)
    .usage(parent ? `[options] ${operandSyntax(command)}`.trim() : 'COMMAND [options]')
    .configureHelp({
      helpWidth: Math.min(out.columns ?? 80, maxHelpWidth),
      subcommandTerm: (subcommand) => `${subcommand.name()} ${operandSyntax(subcommand)}`.trim(),
      argumentTerm: (argument) => argument.name().toUpperCase(),
      styleTitle: (text) => out.paint('bold', text),
      styleSubcommandText: (text) => out.paint('cyan', text),
      ...(!parent && { formatHelp: formatOverview }),
    })
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      outputError: (text, write) =>
        write(
          `${out.paintStatus('red', 'vm:')} ${text.replace(/^error: /, '').trimEnd()}\n    See the usage with: vm ${parent ? `${command.name()} ` : ''}--help\n`,
        ),
    })
}

/** The help of `vm` itself. Commands come first: they are what readers look for. */
function formatOverview(program: Command, help: Help): string {
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
    `${help.styleTitle('Examples:')}\n${usageExample}`,
    'NAME is the name of a workspace, or the start of its ID.\nSee the help of a command with: vm COMMAND --help\n',
  ].join('\n\n')
}

const usageExample = `  vm serve                                   start the service, in one terminal
  vm create demo --template nodejs --ttl 2h  create a workspace for two hours, in another
  vm ssh demo                                open a shell
  tar c . | vm exec demo -- tar x            run a command with local input
  vm cp demo:/etc/hosts .                    copy a file out`

function operandSyntax(command: Command): string {
  const separator = command.name() === 'exec' ? '-- ' : ''
  return command.registeredArguments
    .map((argument) => {
      const name = `${argument.name().toUpperCase()}${argument.variadic ? '…' : ''}`
      return `${argument.variadic ? separator : ''}${argument.required ? name : `[${name}]`}`
    })
    .join(' ')
}
