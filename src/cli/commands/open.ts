import { spawn } from 'node:child_process'
import { Command } from 'commander'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import type { CommandRunner } from '../command-runner.ts'

export function openCommand(run: CommandRunner): Command {
  return new Command('open')
    .summary('open the console in a browser')
    .description(
      'Opens the console in a browser, with all your workspaces or with one. If stdout is not a terminal, only prints the URL.',
    )
    .argument('[name]', 'name of the workspace, or the start of its ID')
    .option('--print', 'only print the URL')
    .action(
      run(async (context, [name], { print }) => {
        const { client, out, json, endpoint } = context
        if (name === undefined) await client.health()
        const fragment = name === undefined ? '' : `#/workspaces/${(await findWorkspace(context, name)).id}`
        const url = `${endpoint.url}/console/${fragment}`
        if (json) out.printJson({ url })
        else out.printLine(url)
        if (out.isTerminal && !json && print !== true && !(await openInBrowser(url)))
          out.printStatus('vm: No browser could be opened. Open the URL yourself.')
      }),
    )
}

/** Returns whether a program accepted the URL. */
function openInBrowser(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const program = process.platform === 'darwin' ? 'open' : 'xdg-open'
    const child = spawn(program, [url], { stdio: 'ignore', detached: true })
    child.once('error', () => resolve(false))
    child.once('exit', (code) => resolve(code === 0))
    // The opener may run for as long as the browser that it has started.
    setTimeout(() => resolve(true), 2000).unref()
    child.unref()
  })
}
