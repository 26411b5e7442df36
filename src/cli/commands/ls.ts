import { Command, Option } from 'commander'
import type { ListFilter, Workspace } from '../../client/client.ts'
import { formatShortDuration, formatTimeUntil } from '../output/duration.ts'
import type { CommandRunner } from '../command-runner.ts'
import type { CommandContext } from '../command-context.ts'
import { formatTable } from '../output/table.ts'
import { workspaceStateLabel, workspaceStateStyle } from '../workspaces/state-label.ts'

export function lsCommand(run: CommandRunner): Command {
  return new Command('ls')
    .alias('list')
    .summary('list your workspaces')
    .description(
      'Lists your workspaces, newest first. If stdout is not a terminal, each line has these fields, separated by tabs: name, ID, status, state, template, owner, creation time, expiry time, message.',
    )
    .addOption(
      new Option('--status <status>', 'only workspaces with this status').choices([
        'creating',
        'running',
        'stopped',
        'failed',
        'deleting',
      ]),
    )
    .option('--template <name>', 'only workspaces from this template')
    .option('--owner <name>', 'workspaces of this owner, or * for all owners (operators only)')
    .action(
      run(async (context, _operands, { status, template, owner }) => {
        const filter = Object.fromEntries(
          Object.entries({ status, template, owner }).filter(([, value]) => value !== undefined),
        ) as ListFilter
        const workspaces: Workspace[] = []
        for await (const page of context.client.list(filter)) workspaces.push(...page)
        if (context.json) context.out.printJson(workspaces)
        else printWorkspaces(context, workspaces, owner !== undefined)
      }),
    )
}

function printWorkspaces({ out }: CommandContext, workspaces: readonly Workspace[], withOwner: boolean): void {
  if (out.columns === null) {
    for (const line of formatTable([], workspaces.map(tabSeparatedFields), null)) out.printLine(line)
    return
  }
  if (workspaces.length === 0) {
    out.printStatus('You have no workspaces. Create one with: vm create NAME')
    return
  }
  const now = Date.now()
  const columns = [
    { title: 'NAME', shrinks: true },
    { title: 'ID' },
    ...(withOwner ? [{ title: 'OWNER' }] : []),
    { title: 'STATUS' },
    { title: 'TEMPLATE' },
    { title: 'AGE' },
    { title: 'EXPIRES' },
    { title: 'MESSAGE', shrinks: true },
  ]
  const statusColumn = columns.findIndex(({ title }) => title === 'STATUS')
  const rows = workspaces.map((workspace) => [
    workspace.name,
    workspace.id.slice(0, 8),
    ...(withOwner ? [workspace.owner] : []),
    workspaceStateLabel(workspace),
    workspace.template,
    formatShortDuration(now - Date.parse(workspace.created_at)).split(' ')[0] ?? '',
    formatTimeUntil(workspace.expires_at, now),
    workspace.error_message ?? workspace.progress ?? '',
  ])
  const lines = formatTable(columns, rows, out.columns, (field, column, row) => {
    const workspace = workspaces[row]
    if (!workspace) return out.paint('dim', field)
    return column === statusColumn ? out.paint(workspaceStateStyle(workspace), field) : field
  })
  for (const line of lines) out.printLine(line)
}

const tabSeparatedFields = (workspace: Workspace) => [
  workspace.name,
  workspace.id,
  workspace.status,
  workspace.state,
  workspace.template,
  workspace.owner,
  workspace.created_at,
  workspace.expires_at ?? '',
  workspace.error_message ?? workspace.progress ?? '',
]
