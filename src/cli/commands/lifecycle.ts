import { Command } from 'commander'
import type { StartStopCommand } from '../../client/client.ts'
import type { CommandContext } from '../command-context.ts'
import type { CommandRunner } from '../command-runner.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import { lastHistorySeq, waitAndReport } from '../workspaces/wait-until-settled.ts'

/** The commands that change what runs in a workspace. */
export function startStopCommands(run: CommandRunner): Command[] {
  const commands: Readonly<Record<StartStopCommand, Command>> = {
    start: lifecycleCommand(run, 'start', {
      summary: 'start workspaces',
      description: 'Starts stopped workspaces, or retries failed ones, and waits until they are running.',
    }),
    stop: lifecycleCommand(run, 'stop', {
      summary: 'stop workspaces; their files stay',
      description:
        'Stops workspaces and everything that runs in them, and waits until they have stopped. Their files stay.',
    }),
    restart: lifecycleCommand(run, 'restart', {
      summary: 'stop and start workspaces',
      description:
        'Stops workspaces and everything that runs in them, starts them again, and waits until they are running.',
    }),
  }
  return Object.values(commands)
}

function lifecycleCommand(
  run: CommandRunner,
  type: StartStopCommand,
  { summary, description }: { readonly summary: string; readonly description: string },
): Command {
  return new Command(type)
    .summary(summary)
    .description(description)
    .argument('<name...>', 'names of workspaces, or starts of their IDs')
    .option('--no-wait', 'do not wait until the command has finished')
    .action(
      run(async (context, names, { wait }) => {
        let exitCode = 0
        for (const name of names) exitCode = Math.max(exitCode, await runCommand(context, type, name, wait !== false))
        return exitCode
      }),
    )
}

async function runCommand(
  context: CommandContext,
  type: StartStopCommand,
  nameOrId: string,
  shouldWait: boolean,
): Promise<number> {
  const { client, out, json } = context
  const { id, name } = await findWorkspace(context, nameOrId)
  const lastSeq = await lastHistorySeq(context, id)
  const workspace = await client[type](id)
  if (shouldWait)
    return (await waitAndReport(context, workspace, lastSeq, type === 'stop' ? 'stopped' : 'running')) ?? 0
  if (json) out.printJson(workspace)
  else out.printLine(`Workspace "${name}" is in state ${workspace.state}. See its progress with: vm show ${name}`)
  return 0
}
