import type { Command } from 'commander'
import { Option } from 'commander'
import { defaultUrl, profilesPath } from './endpoint.ts'

/** Collects the values of an option that may be repeated. */
export const collectValues = (value: string, previous: readonly string[] = []) => [...previous, value]

/** Adds the options that stand before or after every command. A command with a `--user` of its own takes the global one only before it. */
export function addGlobalOptions(command: Command): void {
  command.option('--json', 'print results as JSON')
  const createOption = (flags: string, description: string) => new Option(flags, description).helpGroup('Service:')
  command.addOption(createOption('--url <url>', `URL of the service (default: VM_API_URL, or ${defaultUrl})`))
  if (!command.options.some(({ long }) => long === '--user'))
    command.addOption(createOption('--user <name>', 'user to act as (default: VM_API_USER, or your login name)'))
  command.addOption(createOption('--profile <name>', `take URL, user and headers from a profile in ${profilesPath}`))
  command.addOption(
    createOption('--header <line>', "send a header, 'Name: value', for a proxy; repeatable").argParser(collectValues),
  )
}
