#!/usr/bin/env node
// The `vm` command.
import { homedir, userInfo } from 'node:os'
import { runCli } from './program.ts'

const exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  home: homedir(),
  loginName,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
})
// Something may still be open, a connection or the keyboard: what was asked for is done.
process.exit(exitCode)

function loginName(): string | undefined {
  try {
    return userInfo().username
  } catch {
    return process.env['USER'] ?? process.env['LOGNAME'] // a user without an entry, in a container say
  }
}
