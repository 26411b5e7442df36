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
// A connection or stdin may still be open, and would keep the process alive.
process.exit(exitCode)

function loginName(): string | undefined {
  try {
    return userInfo().username
  } catch {
    return process.env['USER'] ?? process.env['LOGNAME'] // the user has no entry in /etc/passwd, as in some containers
  }
}
