import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { formatLogLine } from '../output/log-line.ts'
import type { CommandRunner } from '../command-runner.ts'

/** Received signals, and what the service gets: a closed terminal (SIGHUP) shuts it down cleanly too. */
const forwardedSignals = [
  ['SIGINT', 'SIGINT'],
  ['SIGTERM', 'SIGTERM'],
  ['SIGHUP', 'SIGTERM'],
] as const

export function serveCommand(run: CommandRunner): Command {
  return new Command('serve')
    .summary('run the service until Ctrl-C')
    .description(
      'Runs the service in the foreground, configured by environment variables, like `node dist/main.js`. Forwards signals and exits with its exit code. At a terminal the log is formatted for people.',
    )
    .action(
      run(
        async ({ json, out }) =>
          new Promise<number>((resolve, reject) => {
            const moduleUrl = import.meta.url
            const program = fileURLToPath(
              new URL(`../../main${moduleUrl.slice(moduleUrl.lastIndexOf('.'))}`, moduleUrl),
            )
            // Its own process group: otherwise Ctrl-C would reach it twice, and the second signal kills it during its shutdown.
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
