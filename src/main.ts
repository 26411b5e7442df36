// Runs the service in the foreground, configured by environment variables only.
import { closeSync } from 'node:fs'
import { homedir } from 'node:os'
import { isatty } from 'node:tty'
import closeWithGrace from 'close-with-grace'
import { configHelp, describeConfigProblems, readConfig } from './config/config.ts'
import { createLogger } from './logger.ts'
import { DatabaseError } from './persistence/database-error.ts'
import { serviceVersion, startService } from './service.ts'
import { StartError } from './start-error.ts'

/** How long running requests may take after SIGTERM. A DELETE takes at most 10 s. */
const shutdownTimeoutMs = 15_000

const help = `vm-api ${serviceVersion()}: provides workspaces over a REST API.

Usage: node dist/main.js [--help | --version]

Environment variables configure the service:

${configHelp()}

The service finds the container engine as the Docker client does: DOCKER_HOST, the current Docker context, the usual sockets.
`

const [argument] = process.argv.slice(2)
if (argument === '--help' || argument === '-h') process.stdout.write(help)
else if (argument === '--version' || argument === '-v') process.stdout.write(`${serviceVersion()}\n`)
else if (argument !== undefined)
  exitWithError(`Unknown argument ${JSON.stringify(argument)}. Run with --help to see the usage.`)
else await serve()

async function serve() {
  const result = readConfig(process.env, { platform: process.platform, home: homedir() })
  if (result.kind === 'invalid') return exitWithError(describeConfigProblems(result.problems))
  const { config } = result
  const log = createLogger(config.logLevel)
  const terminals = [0, 1, 2].filter((fd) => isatty(fd))
  try {
    const service = await startService({ config, env: process.env, home: homedir(), log })
    closeWithGrace({ delay: shutdownTimeoutMs, logger: false }, async ({ signal, err }) => {
      if (err)
        log.fatal(
          { err },
          'stopping after an unexpected error; workspaces keep running, and the next start takes them over',
        )
      else log.info({ signal }, 'stopping: running requests finish, workspaces keep running')
      await service.close()
      // At exit Node 20 restores the terminal, and loops forever if the terminal is gone. It skips a closed descriptor.
      for (const fd of terminals) closeSync(fd)
    })
    if (process.env['npm_lifecycle_event'] === 'start') endWithParent()
  } catch (error) {
    if (error instanceof StartError || error instanceof DatabaseError) return exitWithError(error.message)
    throw error
  }
}

/** Stops the service when its parent has ended: npm passes SIGTERM to its shell, which does not pass it on. */
function endWithParent() {
  const parent = process.ppid
  const parentCheck = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(parentCheck)
    process.kill(process.pid, 'SIGTERM')
  }, 500)
  parentCheck.unref()
}

function exitWithError(message: string) {
  process.stderr.write(`${message}\n`)
  process.exitCode = 1
}
