import type { Command } from 'commander'
import { Option } from 'commander'
import { defaultUrl, profilesFile } from './server.ts'

const collect = (value: string, before: readonly string[] = []) => [...before, value]

/** What stands in front of the name of a command, or behind it. Where a command has a `--user` of its own, that one stands behind. */
export function sharedOptions(command: Command): void {
  const add = (flags: string, description: string) => new Option(flags, description).helpGroup(group)
  command.addOption(add('--url <url>', `where the service is (VM_API_URL, else ${defaultUrl})`))
  if (!command.options.some(({ long }) => long === '--user'))
    command.addOption(add('--user <name>', 'as whom (VM_API_USER, else your login name)'))
  command.addOption(add('--profile <name>', `where and as whom, from ${profilesFile}`))
  command.addOption(add('--header <line>', "sent along: 'Name: value'; may be repeated").argParser(collect))
  command.option('--json', 'answer in JSON, with nothing else on stdout')
}

const group = 'Which service:'
