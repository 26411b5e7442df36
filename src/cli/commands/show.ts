import { Command } from 'commander'
import type { Workspace } from '../../client/client.ts'
import { formatShortDuration, formatTimeUntil } from '../output/duration.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import type { CommandRunner } from '../command-runner.ts'
import type { CommandContext } from '../command-context.ts'
import { workspaceStateLabel, workspaceStateStyle } from '../workspaces/state-label.ts'

export function showCommand(run: CommandRunner): Command {
  return new Command('show')
    .summary('show a workspace')
    .description('Shows all properties of a workspace.')
    .argument('<name>', 'name of the workspace, or the start of its ID')
    .action(
      run(async (context, [name = '']) => {
        const workspace = await findWorkspace(context, name)
        if (context.json) context.out.printJson(workspace)
        else printWorkspace(context, workspace)
      }),
    )
}

function printWorkspace({ out }: CommandContext, workspace: Workspace): void {
  const now = Date.now()
  const ago = (iso: string) => `${iso} (${formatShortDuration(now - Date.parse(iso))} ago)`
  const connection = workspace.connection_info
  const lines: (readonly [string, string | undefined])[] = [
    ['name', out.paint('bold', workspace.name)],
    ['id', workspace.id],
    ['owner', workspace.owner],
    ['status', out.paint(workspaceStateStyle(workspace), workspaceStateLabel(workspace))],
    ['message', workspace.error_message],
    ['progress', workspace.progress],
    ['template', workspace.template],
    ['provider', workspace.provider],
    ['created', ago(workspace.created_at)],
    ['changed', ago(workspace.updated_at)],
    [
      'expires',
      workspace.expires_at === undefined
        ? 'never'
        : `${workspace.expires_at} (${formatTimeUntil(workspace.expires_at, now)})`,
    ],
    ['shell', connection?.ssh_command],
    ['container', connection?.container_id],
    ['process', connection?.pid?.toString()],
    ['directory', connection?.directory],
    ...Object.entries(connection?.ports ?? {}).map(
      ([port, hostPort]) => ['port', `${port} at 127.0.0.1:${hostPort}`] as const,
    ),
    ['accepts', workspace.can.join(', ')],
    ['metadata', workspace.metadata === undefined ? undefined : JSON.stringify(workspace.metadata)],
  ]
  for (const [title, value] of lines)
    if (value !== undefined)
      out.printLine(out.columns === null ? `${title}\t${value}` : `${out.paint('dim', title.padEnd(10))} ${value}`)
}
