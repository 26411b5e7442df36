import { Command } from 'commander'
import type { Workspace } from '../../client/client.ts'
import { askFirst } from '../ask.ts'
import { CliError } from '../cli-error.ts'
import { findWorkspace } from '../find-workspace.ts'
import type { Runner } from '../runner.ts'
import { shownState } from './ls.ts'

export function rmCommand(run: Runner): Command {
  return new Command('rm')
    .summary('deletes it and all that is in it')
    .description('Deletes workspaces and all that is in them. Asks first.')
    .argument('<name...>', 'names, or beginnings of ids')
    .option('-y, --yes', 'do not ask')
    .action(
      run(async (session, names, { yes }) => {
        const { client, out, json } = session
        // All are found before one is deleted: a name that was mistyped deletes nothing.
        const those: Workspace[] = []
        for (const name of names) {
          const found = await findWorkspace(session, name).catch((error: unknown) => {
            if (!(error instanceof CliError) || names.length === 1) throw error
            const { code, next } = error
            throw new CliError(`${error.message} Nothing was deleted.`, { next, code })
          })
          if (!those.some(({ id }) => id === found.id)) those.push(found)
        }
        if (yes !== true) {
          const listed = those.map((one) => `${one.name} (${shownState(one)})`).join(', ')
          await askFirst(session, `Delete ${listed} and all that is in ${those.length === 1 ? 'it' : 'them'}?`)
        }
        for (const one of those) {
          session.about = one
          await client.delete(one.id)
          if (!json) out.say(`${one.name} is deleted.`)
        }
        if (json) out.json(those.map(({ id, name }) => ({ id, name, deleted: true })))
      }),
    )
}
