import { spawn } from 'node:child_process'
import { Command } from 'commander'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import type { CommandRunner } from '../command-runner.ts'

export function openCommand(run: CommandRunner): Command {
  return new Command('open')
    .summary('the console in the browser')
    .description(
      'Opens the console in the browser: all of your workspaces, or one. Without a terminal it only prints the address.',
    )
    .argument('[name]', 'name, or the beginning of its id')
    .option('--print', 'only print the address')
    .action(
      run(async (context, [name], { print }) => {
        const { client, out, json, endpoint: server } = context
        if (name === undefined) await client.health()
        const fragment = name === undefined ? '' : `#/workspaces/${(await findWorkspace(context, name)).id}`
        const url = `${server.url}/console/${fragment}`
        if (json) out.printJson({ url })
        else out.printLine(url)
        if (out.isTerminal && !json && print !== true && !(await openInBrowser(url)))
          out.printStatus('No browser could be opened here: open that address in yours.')
      }),
    )
}

/** Whether some program took the address. */
function openInBrowser(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const program = process.platform === 'darwin' ? 'open' : 'xdg-open'
    const child = spawn(program, [url], { stdio: 'ignore', detached: true })
    child.once('error', () => resolve(false))
    child.once('exit', (code) => resolve(code === 0))
    // A browser that is started by it may hold it for as long as it is open.
    setTimeout(() => resolve(true), 2000).unref()
    child.unref()
  })
}
