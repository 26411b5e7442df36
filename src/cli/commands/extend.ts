import { Command } from 'commander'
import { parseDurationSeconds, formatTimeUntil } from '../output/duration.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import type { CommandRunner } from '../command-runner.ts'

export function extendCommand(run: CommandRunner): Command {
  return new Command('extend')
    .summary('lets it live so long from now')
    .description('Lets a workspace live so long, counted from now, whatever was set before.')
    .argument('<name>', 'name, or the beginning of its id')
    .argument('<time>', '90s, 15m, 2h, 1d12h, or never')
    .action(
      run(async (context, [name = '', time = '']) => {
        const { client, out, json } = context
        const seconds = time === 'never' ? null : parseDurationSeconds(time)
        const workspace = await findWorkspace(context, name)
        const updated = await client.update(workspace.id, { ttl_seconds: seconds })
        if (json) out.printJson(updated)
        else if (updated.expires_at === undefined) out.printLine(`${updated.name} never expires.`)
        else
          out.printLine(
            `${updated.name} expires ${formatTimeUntil(updated.expires_at, Date.now() - 999)}, at ${updated.expires_at}.`,
          )
      }),
    )
}
