// The service, in the foreground, configured by the environment alone.
import { closeSync } from 'node:fs'
import { homedir } from 'node:os'
import { isatty } from 'node:tty'
import closeWithGrace from 'close-with-grace'
import { configHelp, describeProblems, readConfig } from './config.ts'
import { makeLog } from './log.ts'
import { DatabaseError } from './persistence/database-error.ts'
import { serviceVersion, startService } from './service.ts'
import { StartError } from './start-error.ts'

/** How long requests under way may take to end after SIGTERM; a DELETE waits for 10 s at most. */
const graceMs = 15_000

const help = `vm-api ${serviceVersion()}: hands out workspaces over a REST API.

Usage: node dist/main.js [--help | --version]

It takes no other arguments. What can be set is set in the environment:

${configHelp()}

Container engines are found as the docker client finds them: DOCKER_HOST, the current docker context, the usual sockets.
`

const [argument] = process.argv.slice(2)
if (argument === '--help' || argument === '-h') process.stdout.write(help)
else if (argument === '--version' || argument === '-v') process.stdout.write(`${serviceVersion()}\n`)
else if (argument !== undefined) fail(`vm-api takes no argument ${JSON.stringify(argument)}. Try --help.`)
else await serve()

async function serve() {
  const read = readConfig(process.env, { platform: process.platform, home: homedir() })
  if (read.kind === 'unreadable') return fail(describeProblems(read.problems))
  const { config } = read
  const log = makeLog(config.logLevel)
  const terminals = [0, 1, 2].filter((fd) => isatty(fd))
  try {
    const service = await startService({ config, env: process.env, home: homedir(), log })
    closeWithGrace({ delay: graceMs, logger: false }, async ({ signal, err }) => {
      if (err) log.fatal({ err }, 'a bug ends the service; its workspaces go on, and the next start takes them over')
      else log.info({ signal }, 'ends: requests are finished, workspaces are left as they are')
      await service.close()
      // Node 20 puts a terminal back at its end, and spins for ever if that was closed; what is not open is left alone.
      for (const fd of terminals) closeSync(fd)
    })
    if (process.env['npm_lifecycle_event'] === 'start') endWithParent()
  } catch (error) {
    if (error instanceof StartError || error instanceof DatabaseError) return fail(error.message)
    throw error
  }
}

/** npm hands a SIGTERM to its shell and no further: when that is gone, so is the reason to go on. */
function endWithParent() {
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, 500)
  watch.unref()
}

function fail(message: string) {
  process.stderr.write(`${message}\n`)
  process.exitCode = 1
}
