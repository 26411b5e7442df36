import { Command } from 'commander'
import { apiClient } from '../client/client.ts'
import type { CliEnvironment } from './cli-environment.ts'
import type { ActionResult, CommandContext } from './command-context.ts'
import type { EndpointOptions, ServiceEndpoint } from './endpoint.ts'
import { resolveEndpoint } from './endpoint.ts'
import type { CliOutput } from './output/output.ts'
import { toCliError } from './to-cli-error.ts'

/** What a command does, given its operands as typed, and its options. */
export type CommandAction = (
  context: CommandContext,
  operands: readonly string[],
  options: Readonly<Record<string, unknown>>,
) => ActionResult
/** Converts an action to the callback that commander expects. */
export type CommandRunner = (action: CommandAction) => (...commanderArguments: unknown[]) => Promise<void>

interface CommandRunnerDeps {
  readonly environment: CliEnvironment
  readonly out: CliOutput
  readonly onExit: (exitCode: number) => void
}

export function commandRunner({ environment, out, onExit }: CommandRunnerDeps): CommandRunner {
  return (action) =>
    async (...commanderArguments) => {
      const command = commanderArguments.at(-1)
      if (!(command instanceof Command)) throw new TypeError('Commander passes the command as the last argument.')
      const { commandOptions, endpointOptions, json } = optionsOf(command)
      let endpoint: ServiceEndpoint | undefined
      let context: CommandContext | undefined
      try {
        endpoint = resolveEndpoint(endpointOptions, environment)
        context = {
          client: apiClient({ ...endpoint, ...(await debugOptions(environment)) }),
          endpoint,
          out,
          json,
          environment,
          targetWorkspace: undefined,
          onStdoutClosed: async () => 0,
        }
        onExit(await untilStdoutClosed(action(context, command.args, commandOptions), context))
      } catch (error) {
        const { message, code, next, exitCode } = toCliError(error, {
          command: command.name(),
          endpoint,
          workspace: context?.targetWorkspace,
        })
        if (json) out.printStatus(JSON.stringify({ error: message, code, next }))
        else out.printStatus(`${out.paintStatus('red', 'vm:')} ${message}\n    ${next}`)
        onExit(exitCode)
      }
    }
}

/** With VM_API_DEBUG every response is checked against its schema; the schemas take a while to load, so only then. */
async function debugOptions({ env }: CliEnvironment) {
  if (!env['VM_API_DEBUG']) return {}
  const { validateResponse } = await import('../client/response-validator.ts')
  return { validate: validateResponse }
}

/** A command ends when the reader of stdout closes it, unless the command handles that itself. */
async function untilStdoutClosed(result: ActionResult, context: CommandContext): Promise<number> {
  const { stdoutClosed } = context.out
  const abandoned = new Promise<number>((resolve) => {
    const abandon = () => context.onStdoutClosed().then(resolve, () => resolve(1))
    if (stdoutClosed.aborted) void abandon()
    stdoutClosed.addEventListener('abort', () => void abandon())
  })
  return (await Promise.race([result, abandoned])) ?? 0
}

/** Global options stand before or after the command. After it, an option that the command defines itself is the command's. */
function optionsOf(command: Command): {
  commandOptions: Record<string, unknown>
  endpointOptions: EndpointOptions
  json: boolean
} {
  const commandOptions = command.opts<Record<string, unknown>>()
  const globalOptions = command.parent?.opts<EndpointOptions & { json?: boolean }>() ?? {}
  const isGuestUser = command.options.some(({ long, short }) => long === '--user' && short === '-u')
  const { header: globalHeaders = [], ...rest } = globalOptions
  const { header: commandHeaders = [], user, ...ownOptions } = command.opts<EndpointOptions>()
  const endpointOptions = { ...rest, ...ownOptions, ...(!isGuestUser && user !== undefined && { user }) }
  return {
    commandOptions,
    endpointOptions: { ...endpointOptions, header: [...globalHeaders, ...commandHeaders] },
    json: globalOptions.json === true || commandOptions['json'] === true,
  }
}
