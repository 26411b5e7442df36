import { Command } from 'commander'
import type { CreateWorkspaceBody, Workspace } from '../../client/client.ts'
import { CliError, usageError } from '../cli-error.ts'
import { parseDurationSeconds } from '../output/duration.ts'
import { waitUntilSettled } from '../workspaces/wait-until-settled.ts'
import type { CommandRunner } from '../command-runner.ts'
import type { ActionResult, CommandContext } from '../command-context.ts'

export function createCommand(run: CommandRunner): Command {
  return new Command('create')
    .summary('a new one; shows the states it passes')
    .description(
      'Creates a workspace. On a terminal it shows the states that it passes until it runs; Ctrl-C leaves it being created. In a script add --wait.',
    )
    .argument('<name>', 'letters, digits, "-", "_" and "."')
    .option('--template <name>', 'what it is made from; `vm templates` lists them')
    .option('--ttl <time>', 'deleted after so long: 90s, 15m, 2h, 1d12h (never)')
    .option('--metadata <json>', 'anything of yours to keep with it, an object')
    .option('--wait', 'until it runs; fails if it does not')
    .option('--no-wait', 'do not, on a terminal neither')
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
        else context.out.printLine(`${name} is being created. \`vm show ${name}\` says how far it is.`)
      }),
    )
}

/** Waits for what was begun, and says what came of it. `running` is what was meant, unless `wanted` says otherwise. */
export async function waitAndReport(
  context: CommandContext,
  workspace: Workspace,
  afterSeq: number,
  expectedStatus: Workspace['status'] = 'running',
): ActionResult {
  const { out, json } = context
  const result = await waitUntilSettled(context, workspace, afterSeq)
  if (result === 'left') return 130
  if (result === 'gone')
    throw new CliError(`${workspace.name} was deleted meanwhile.`, {
      next: '`vm ls` lists your workspaces.',
      code: 'workspace-not-found',
    })
  if (json) out.printJson(result)
  const { name } = result
  if (result.status !== expectedStatus) {
    const next =
      result.status === 'failed'
        ? `\`vm logs ${name}\` may say more, \`vm start ${name}\` tries again, \`vm rm ${name}\` removes it.`
        : `\`vm show ${name}\` shows it.`
    throw new CliError(
      `${name} is ${result.status}${result.error_message === undefined ? '.' : `: ${result.error_message}`}`,
      {
        next,
        code: 'not-reached',
      },
    )
  }
  if (!json)
    out.printLine(
      result.status === 'running' ? `${name} runs. \`vm ssh ${name}\` opens a shell.` : `${name} is ${result.status}.`,
    )
}

function parseMetadata(text: string): NonNullable<CreateWorkspaceBody['metadata']> {
  const next = `Write an object: --metadata '{"team": "blue"}'.`
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object(value)
  } catch {
    // said below
  }
  throw usageError(`The metadata ${text} is no JSON object.`, next)
}
