import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { formatLogLine } from '../output/log-line.ts'
import type { CommandRunner } from '../command-runner.ts'

/** What the service is sent for what comes here; a terminal that is closed ends it in good order too. */
const forwardedSignals = [
  ['SIGINT', 'SIGINT'],
  ['SIGTERM', 'SIGTERM'],
  ['SIGHUP', 'SIGTERM'],
] as const

export function serveCommand(run: CommandRunner): Command {
  return new Command('serve')
    .summary('starts the service, until Ctrl-C')
    .description(
      'Starts the service in the foreground, configured by the environment: the same as `node dist/main.js`. Its output, its signals and its exit code are passed on; at a terminal its log is written for people.',
    )
    .action(
      run(
        async ({ json, out }) =>
          new Promise<number>((resolve, reject) => {
            const moduleUrl = import.meta.url
            const program = fileURLToPath(
              new URL(`../../main${moduleUrl.slice(moduleUrl.lastIndexOf('.'))}`, moduleUrl),
            )
            // In a group of its own: a Ctrl-C at the terminal would reach it twice otherwise, and the second ends it in the middle of its work.
            const child = spawn(process.execPath, [...process.execArgv, program], {
              stdio: ['inherit', out.isTerminal && !json ? 'pipe' : 'inherit', 'inherit'],
              detached: true,
            })
            if (child.stdout)
              createInterface({ input: child.stdout }).on('line', (line) =>
                out.printLine(formatLogLine(line, out.paint)),
              )
            for (const [received, forwarded] of forwardedSignals) process.on(received, () => child.kill(forwarded))
            child.once('error', reject)
            child.once('close', (code, signal) =>
              resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
            )
          }),
      ),
    )
}
