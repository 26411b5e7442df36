import type { Command } from 'commander'
import { apiClient } from '../client/client.ts'
import { toCliError } from './to-cli-error.ts'
import type { CliOutput } from './output/output.ts'
import type { ServiceEndpoint, EndpointOptions } from './endpoint.ts'
import { resolveEndpoint } from './endpoint.ts'
import type { ActionResult, CommandContext } from './command-context.ts'
import type { CliEnvironment } from './cli-environment.ts'

/** What a command does: with its operands as they were typed, and its options. */
export type CommandAction = (
  context: CommandContext,
  operands: readonly string[],
  options: Readonly<Record<string, unknown>>,
) => ActionResult
/** Makes of it what is called by the parser. */
export type CommandRunner = (action: CommandAction) => (...commanderArguments: unknown[]) => Promise<void>

interface CommandRunnerDeps {
  readonly environment: CliEnvironment
  readonly out: CliOutput
  readonly onExit: (exitCode: number) => void
}

export function commandRunner({ environment, out, onExit }: CommandRunnerDeps): CommandRunner {
  return (action) =>
    async (...commanderArguments) => {
      const command = commanderArguments.at(-1) as Command
      const { commandOptions, endpointOptions: options, json } = optionsOf(command)
      let endpoint: ServiceEndpoint | undefined
      let context: CommandContext | undefined
      try {
        endpoint = resolveEndpoint(options, environment)
        const client = apiClient(endpoint)
        context = {
          client,
          endpoint,
          out,
          json,
          environment,
          targetWorkspace: undefined,
          onStdoutClosed: async () => 0,
        }
        onExit(await untilStdoutClosed(action(context, command.args, commandOptions), context))
      } catch (error) {
        const cliError = toCliError(error, {
          command: command.name(),
          endpoint,
          workspaceName: context?.targetWorkspace?.name,
        })
        if (json) out.printStatus(JSON.stringify({ error: cliError.message, code: cliError.code, next: cliError.next }))
        else out.printStatus(`${out.paintStatus('red', 'vm:')} ${cliError.message}\n    ${cliError.next}`)
        onExit(cliError.exitCode)
      }
    }
}

/** A command whose reader has gone has nothing more to do, unless it says otherwise. */
async function untilStdoutClosed(result: ActionResult, context: CommandContext): Promise<number> {
  const { stdoutClosed } = context.out
  const abandoned = new Promise<number>((resolve) => {
    const abandon = () => context.onStdoutClosed().then(resolve, () => resolve(1))
    if (stdoutClosed.aborted) void abandon()
    stdoutClosed.addEventListener('abort', () => void abandon())
  })
  return (await Promise.race([result, abandoned])) ?? 0
}

/** In front of the command stands what is for all of them; where the two differ, what stands behind it is the command's own. */
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
