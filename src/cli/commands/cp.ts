import { Command } from 'commander'
import type { Files } from '../../client/client.ts'
import { usageError } from '../cli-error.ts'
import type { Copied } from '../copy-in.ts'
import { findWorkspace } from '../find-workspace.ts'
import type { Runner } from '../runner.ts'
import type { Session } from '../session.ts'

export function cpCommand(run: Runner): Command {
  return new Command('cp')
    .summary('files and folders, either way')
    .description(
      'Copies a file or a folder into a workspace or out of it. A path there stands behind the name and a colon; it is absolute, or relative to the folder that the workspace works in. `-` is stdin or stdout: of a folder, a tar archive. What is there is replaced, as with cp; what is cut off half-way has changed no file.',
    )
    .argument('<from>', 'a path, NAME:PATH, or -')
    .argument('<to>', 'a path, NAME:PATH, or -')
    .action(
      run(async (session, [from = '', to = '']) => {
        const [source, target] = [placeOf(from), placeOf(to)]
        if ((source.name === undefined) === (target.name === undefined))
          throw usageError(
            'One of the two must be in a workspace, and one not.',
            'For example: vm cp notes.txt demo:notes.txt',
          )
        const name = source.name ?? target.name ?? ''
        const { id } = await findWorkspace(session, name)
        const files = session.client.files(id)
        const copied = await copy(session, files, source.path, target.path, target.name === undefined)
        if (session.json && to !== '-') session.out.json({ from, to, ...copied })
      }),
    )
}

/** What reads and writes archives is loaded by those only who wait for it. */
async function copy(session: Session, files: Files, from: string, to: string, isOut: boolean): Promise<Copied> {
  if (isOut) return (await import('../copy-out.ts')).copyOut(session, files, from, to)
  return (await import('../copy-in.ts')).copyIn(session, files, from, to)
}

/** `NAME:PATH`. What has a slash before the colon is a path of this machine, as with scp. */
function placeOf(text: string): { readonly name: string | undefined; readonly path: string } {
  const [, name, path] = /^([A-Za-z0-9][A-Za-z0-9_.-]*):(.*)$/s.exec(text) ?? []
  return name === undefined ? { name, path: text } : { name, path: path || '.' }
}
