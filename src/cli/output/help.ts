import type { Command, Help } from 'commander'
import type { CliOutput } from './output.ts'
import type { CliEnvironment } from '../cli-environment.ts'

/** Longer lines are hard to read. */
const maxHelpWidth = 100

/** What all commands have in common in how they speak to people. */
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
          `${out.paintStatus('red', 'vm:')} ${text.replace(/^error: /, '').trimEnd()}\n    \`vm ${parent ? `${command.name()} ` : ''}--help\` says how it is used.\n`,
        ),
    })
}

/** The commands come first, since they are what one looks for. */
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
    `${help.styleTitle('To begin with:')}\n${usageExample}`,
    'NAME is the name of a workspace, or the beginning of its id. `vm COMMAND --help` has more of each.\n',
  ].join('\n\n')
}

const usageExample = `  vm serve                                   in one terminal: the service
  vm create demo --template nodejs --ttl 2h  in another: a workspace, for two hours
  vm ssh demo                                a shell in it
  tar c . | vm exec demo -- tar x            a command in it, fed from here
  vm cp demo:/etc/hosts .                    a file out of it`

function operandSyntax(command: Command): string {
  const separator = command.name() === 'exec' ? '-- ' : ''
  return command.registeredArguments
    .map((argument) => {
      const name = `${argument.name().toUpperCase()}${argument.variadic ? '…' : ''}`
      return `${argument.variadic ? separator : ''}${argument.required ? name : `[${name}]`}`
    })
    .join(' ')
}
