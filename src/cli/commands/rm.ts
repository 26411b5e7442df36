import { Command } from 'commander'
import type { Workspace } from '../../client/client.ts'
import { requireConfirmation } from '../output/confirm.ts'
import { CliError } from '../cli-error.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import type { CommandRunner } from '../command-runner.ts'
import { workspaceStateLabel } from '../workspaces/state-label.ts'

export function rmCommand(run: CommandRunner): Command {
  return new Command('rm')
    .summary('delete workspaces and their files')
    .description('Deletes workspaces and their files, after confirmation.')
    .argument('<name...>', 'names of workspaces, or starts of their IDs')
    .option('-y, --yes', 'do not ask for confirmation')
    .action(
      run(async (context, names, { yes }) => {
        const { client, out, json } = context
        // All names are resolved first, so that a mistyped one deletes nothing.
        const workspaces: Workspace[] = []
        for (const name of names) {
          const workspace = await findWorkspace(context, name).catch((error: unknown) => {
            if (!(error instanceof CliError) || names.length === 1) throw error
            const { code, next } = error
            throw new CliError(`${error.message} Nothing was deleted.`, { next, code })
          })
          if (!workspaces.some(({ id }) => id === workspace.id)) workspaces.push(workspace)
        }
        if (yes !== true) {
          const description = workspaces
            .map((workspace) => `${workspace.name} (${workspaceStateLabel(workspace)})`)
            .join(', ')
          await requireConfirmation(
            context,
            `Delete ${description} and ${workspaces.length === 1 ? 'its' : 'their'} files?`,
          )
        }
        for (const workspace of workspaces) {
          context.targetWorkspace = workspace
          await client.delete(workspace.id)
          if (!json) out.printLine(`Workspace "${workspace.name}" is deleted.`)
        }
        if (json) out.printJson(workspaces.map(({ id, name }) => ({ id, name, deleted: true })))
      }),
    )
}
