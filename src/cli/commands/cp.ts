import { Command } from 'commander'
import type { FilesApi } from '../../client/client.ts'
import { usageError } from '../cli-error.ts'
import type { CopySummary } from '../copy/upload.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import type { CommandRunner } from '../command-runner.ts'
import type { CommandContext } from '../command-context.ts'

export function cpCommand(run: CommandRunner): Command {
  return new Command('cp')
    .summary('copy files and directories')
    .description(
      'Copies a file or a directory into or out of a workspace. NAME:PATH is a path in the workspace: absolute, or relative to its working directory. `-` is stdin or stdout; a directory is written to stdout as a tar archive. Existing files are replaced, each only once it has arrived completely.',
    )
    .argument('<from>', 'local path, NAME:PATH, or -')
    .argument('<to>', 'local path, NAME:PATH, or -')
    .action(
      run(async (context, [from = '', to = '']) => {
        const [source, target] = [parseLocation(from), parseLocation(to)]
        if ((source.name === undefined) === (target.name === undefined))
          throw usageError(
            'Exactly one of FROM and TO must be in a workspace.',
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

/** Loads the archive code here only: other commands start faster without it. */
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

/** Parses `NAME:PATH`. A path with a slash before the colon is local, as with scp. */
function parseLocation(text: string): { readonly name: string | undefined; readonly path: string } {
  const [, name, path] = /^([A-Za-z0-9][A-Za-z0-9_.-]*):(.*)$/s.exec(text) ?? []
  return name === undefined ? { name, path: text } : { name, path: path || '.' }
}
