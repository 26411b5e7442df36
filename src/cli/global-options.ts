import type { Command } from 'commander'
import { Option } from 'commander'
import { defaultUrl, profilesPath } from './endpoint.ts'

const collect = (value: string, previous: readonly string[] = []) => [...previous, value]

/** What stands in front of the name of a command, or behind it. Where a command has a `--user` of its own, that one stands behind. */
export function addGlobalOptions(command: Command): void {
  const createOption = (flags: string, description: string) => new Option(flags, description).helpGroup(optionGroup)
  command.addOption(createOption('--url <url>', `where the service is (VM_API_URL, else ${defaultUrl})`))
  if (!command.options.some(({ long }) => long === '--user'))
    command.addOption(createOption('--user <name>', 'as whom (VM_API_USER, else your login name)'))
  command.addOption(createOption('--profile <name>', `where and as whom, from ${profilesPath}`))
  command.addOption(createOption('--header <line>', "sent along: 'Name: value'; may be repeated").argParser(collect))
  command.option('--json', 'answer in JSON, with nothing else on stdout')
}

const optionGroup = 'Which service:'
