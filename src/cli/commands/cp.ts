import { Command } from 'commander'
import type { FilesApi } from '../../client/client.ts'
import { usageError } from '../cli-error.ts'
import type { CopySummary } from '../copy/upload.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import type { CommandRunner } from '../command-runner.ts'
import type { CommandContext } from '../command-context.ts'

export function cpCommand(run: CommandRunner): Command {
  return new Command('cp')
    .summary('files and folders, either way')
    .description(
      'Copies a file or a folder into a workspace or out of it. A path there stands behind the name and a colon; it is absolute, or relative to the folder that the workspace works in. `-` is stdin or stdout: of a folder, a tar archive. What is there is replaced, as with cp; what is cut off half-way has changed no file.',
    )
    .argument('<from>', 'a path, NAME:PATH, or -')
    .argument('<to>', 'a path, NAME:PATH, or -')
    .action(
      run(async (context, [from = '', to = '']) => {
        const [source, target] = [parseLocation(from), parseLocation(to)]
        if ((source.name === undefined) === (target.name === undefined))
          throw usageError(
            'One of the two must be in a workspace, and one not.',
            'For example: vm cp notes.txt demo:notes.txt',
          )
        const name = source.name ?? target.name ?? ''
        const { id } = await findWorkspace(context, name)
        const files = context.client.files(id)
        const summary = await copy(context, files, source.path, target.path, target.name === undefined)
        if (context.json && to !== '-') context.out.printJson({ from, to, ...summary })
      }),
    )
}

/** What reads and writes archives is loaded by those only who wait for it. */
async function copy(
  context: CommandContext,
  files: FilesApi,
  from: string,
  to: string,
  isDownload: boolean,
): Promise<CopySummary> {
  if (isDownload) return (await import('../copy/download.ts')).downloadFromWorkspace(context, files, from, to)
  return (await import('../copy/upload.ts')).uploadToWorkspace(context, files, from, to)
}

/** `NAME:PATH`. What has a slash before the colon is a path of this machine, as with scp. */
function parseLocation(text: string): { readonly name: string | undefined; readonly path: string } {
  const [, name, path] = /^([A-Za-z0-9][A-Za-z0-9_.-]*):(.*)$/s.exec(text) ?? []
  return name === undefined ? { name, path: text } : { name, path: path || '.' }
}
