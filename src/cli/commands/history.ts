import { Command } from 'commander'
import type { HistoryLine } from '../../client/client.ts'
import { findWorkspace, uuidPattern } from '../workspaces/find-workspace.ts'
import { isFailure } from '../workspaces/state-label.ts'
import type { CommandRunner } from '../command-runner.ts'
import { formatTable } from '../output/table.ts'

export function historyCommand(run: CommandRunner): Command {
  return new Command('history')
    .summary('show the transitions of a workspace')
    .description(
      'Shows the transitions of a workspace, oldest first. A deleted workspace needs its complete ID. If stdout is not a terminal, each line has these fields, separated by tabs: time, event, new state, actor, reason.',
    )
    .argument('<name>', 'name of the workspace, or the start of its ID')
    .action(
      run(async (context, [name = '']) => {
        const { client, out, json } = context
        const id = uuidPattern.test(name) ? name : (await findWorkspace(context, name)).id
        const lines: HistoryLine[] = []
        for await (const page of client.history(id)) lines.push(...page)
        if (json) {
          out.printJson(lines)
          return
        }
        const columns = [
          { title: 'TIME' },
          { title: 'EVENT' },
          { title: 'STATE' },
          { title: 'BY' },
          { title: 'REASON', shrinks: true },
        ]
        const rows = lines.map(({ at, event, to, by, reason = '' }) => [at, event, to, by, reason])
        for (const line of formatTable(columns, rows, out.columns, (field, column, row) => {
          if (row < 0 || column === 0) return out.paint('dim', field)
          const line = lines[row]
          return column === 2 && line && isFailure(line) ? out.paint('red', field) : field
        }))
          out.printLine(line)
      }),
    )
}
