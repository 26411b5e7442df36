import { Command } from 'commander'
import { usageError } from '../cli-error.ts'
import { copyIn } from '../copy-in.ts'
import { copyOut } from '../copy-out.ts'
import { findWorkspace } from '../find-workspace.ts'
import type { Runner } from '../runner.ts'

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
        const copied =
          target.name === undefined
            ? await copyOut(session, files, source.path, target.path)
            : await copyIn(session, files, source.path, target.path)
        if (session.json && to !== '-') session.out.json({ from, to, ...copied })
      }),
    )
}

/** `NAME:PATH`. What has a slash before the colon is a path of this machine, as with scp. */
function placeOf(text: string): { readonly name: string | undefined; readonly path: string } {
  const [, name, path] = /^([A-Za-z0-9][A-Za-z0-9_.-]*):(.*)$/s.exec(text) ?? []
  return name === undefined ? { name, path: text } : { name, path: path || '.' }
}
