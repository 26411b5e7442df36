// The service, in the foreground, configured by the environment alone.
import { closeSync } from 'node:fs'
import { homedir } from 'node:os'
import { isatty } from 'node:tty'
import closeWithGrace from 'close-with-grace'
import { configHelp, describeConfigProblems, readConfig } from './config/config.ts'
import { createLogger } from './logger.ts'
import { DatabaseError } from './persistence/database-error.ts'
import { serviceVersion, startService } from './service.ts'
import { StartError } from './start-error.ts'

/** How long requests under way may take to end after SIGTERM; a DELETE waits for 10 s at most. */
const shutdownTimeoutMs = 15_000

const help = `vm-api ${serviceVersion()}: hands out workspaces over a REST API.

Usage: node dist/main.js [--help | --version]

It takes no other arguments. What can be set is set in the environment:

${configHelp()}

Container engines are found as the docker client finds them: DOCKER_HOST, the current docker context, the usual sockets.
`

const [argument] = process.argv.slice(2)
if (argument === '--help' || argument === '-h') process.stdout.write(help)
else if (argument === '--version' || argument === '-v') process.stdout.write(`${serviceVersion()}\n`)
else if (argument !== undefined) exitWithError(`vm-api takes no argument ${JSON.stringify(argument)}. Try --help.`)
else await serve()

async function serve() {
  const result = readConfig(process.env, { platform: process.platform, home: homedir() })
  if (result.kind === 'unreadable') return exitWithError(describeConfigProblems(result.problems))
  const { config } = result
  const log = createLogger(config.logLevel)
  const terminals = [0, 1, 2].filter((fd) => isatty(fd))
  try {
    const service = await startService({ config, env: process.env, home: homedir(), log })
    closeWithGrace({ delay: shutdownTimeoutMs, logger: false }, async ({ signal, err }) => {
      if (err) log.fatal({ err }, 'a bug ends the service; its workspaces go on, and the next start takes them over')
      else log.info({ signal }, 'ends: requests are finished, workspaces are left as they are')
      await service.close()
      // Node 20 puts a terminal back at its end, and spins for ever if that was closed; what is not open is left alone.
      for (const fd of terminals) closeSync(fd)
    })
    if (process.env['npm_lifecycle_event'] === 'start') endWithParent()
  } catch (error) {
    if (error instanceof StartError || error instanceof DatabaseError) return exitWithError(error.message)
    throw error
  }
}

/** npm hands a SIGTERM to its shell and no further: when that is gone, so is the reason to go on. */
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
