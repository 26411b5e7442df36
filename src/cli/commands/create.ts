import { Command } from 'commander'
import type { CreateWorkspaceBody } from '../../client/client.ts'
import { usageError } from '../cli-error.ts'
import { parseDurationSeconds } from '../output/duration.ts'
import { waitAndReport } from '../workspaces/wait-until-settled.ts'
import type { CommandRunner } from '../command-runner.ts'

export function createCommand(run: CommandRunner): Command {
  return new Command('create')
    .summary('create a workspace')
    .description(
      'Creates a workspace. At a terminal, shows its states and waits until it is running; Ctrl-C stops the waiting, not the creation. In scripts, add --wait.',
    )
    .argument('<name>', 'letters, digits, "-", "_" and "."')
    .option('--template <name>', 'template to create it from; see vm templates')
    .option('--ttl <time>', 'delete it after this time: 90s, 15m, 2h, 1d12h (default: never)')
    .option('--metadata <json>', 'your own data, a JSON object')
    .option('--wait', 'wait until it is running; fail if it does not get there')
    .option('--no-wait', 'do not wait, not even at a terminal')
    .action(
      run(async (context, [name = ''], { template, ttl, metadata, wait }) => {
        context.targetWorkspace = { name }
        const body: CreateWorkspaceBody = {
          name,
          ...(typeof template === 'string' && { template }),
          ...(typeof ttl === 'string' && { ttl_seconds: parseDurationSeconds(ttl) }),
          ...(typeof metadata === 'string' && { metadata: parseMetadata(metadata) }),
        }
        const workspace = await context.client.create(body)
        const shouldWait = typeof wait === 'boolean' ? wait : context.out.isStderrTerminal && !context.json
        if (shouldWait) return waitAndReport(context, workspace, 0)
        if (context.json) context.out.printJson(workspace)
        else context.out.printLine(`Workspace "${name}" is being created. See its state with: vm show ${name}`)
      }),
    )
}

function parseMetadata(text: string): NonNullable<CreateWorkspaceBody['metadata']> {
  try {
    const value: NonNullable<CreateWorkspaceBody['metadata']> | null = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {
    // reported below
  }
  throw usageError(`The metadata ${text} is not a JSON object.`, `Write it like --metadata '{"team": "blue"}'.`)
}
