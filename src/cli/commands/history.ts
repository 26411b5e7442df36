import { Command } from 'commander'
import type { HistoryLine } from '../../client/client.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import type { CommandRunner } from '../command-runner.ts'
import { formatTable } from '../output/table.ts'

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export function historyCommand(run: CommandRunner): Command {
  return new Command('history')
    .summary('what happened to it, when and by whom')
    .description(
      'Shows every step of a workspace, oldest first; by its whole id also once it is deleted. Piped, each line has, between tabs: time, event, state after it, by whom, reason.',
    )
    .argument('<name>', 'name, or the beginning of its id')
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
          return column === 2 && lines[row]?.to === 'failed' ? out.paint('red', field) : field
        }))
          out.printLine(line)
      }),
    )
}
