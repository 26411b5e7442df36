import { Command } from 'commander'
import { parseDurationSeconds, formatTimeUntil } from '../output/duration.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import type { CommandRunner } from '../command-runner.ts'

export function extendCommand(run: CommandRunner): Command {
  return new Command('extend')
    .summary('change when a workspace expires')
    .description('Sets when a workspace expires, counted from now. An expired workspace is deleted.')
    .argument('<name>', 'name of the workspace, or the start of its ID')
    .argument('<time>', '90s, 15m, 2h, 1d12h, or never')
    .action(
      run(async (context, [name = '', time = '']) => {
        const { client, out, json } = context
        const seconds = time === 'never' ? null : parseDurationSeconds(time)
        const workspace = await findWorkspace(context, name)
        const updated = await client.update(workspace.id, { ttl_seconds: seconds })
        if (json) out.printJson(updated)
        else if (updated.expires_at === undefined) out.printLine(`Workspace "${updated.name}" never expires.`)
        else
          out.printLine(
            `Workspace "${updated.name}" expires ${formatTimeUntil(updated.expires_at, Date.now() - 999)}, at ${updated.expires_at}.`,
          )
      }),
    )
}
