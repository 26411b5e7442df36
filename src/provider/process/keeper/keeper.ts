import { spawn } from 'node:child_process'
import { mkdir, open } from 'node:fs/promises'
import type { Connection } from '../../../workspace/container.ts'
import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { WorkspaceRef } from '../../../workspace/workspace-ref.ts'
import { pollDelay } from '../host/poll-delay.ts'
import { latestClaim, type NumberedClaim, persistClaim } from './claim.ts'
import { removeTemporaryFiles, type WorkspaceDirectory, keeperLogPath } from './workspace-directory.ts'
import { terminateProcesses } from './stop.ts'
import {
  workspaceEnvironment,
  incarnationVariable,
  keeperNumberVariable,
  workspaceTagVariables,
} from './environment.ts'
import type { ProcessHost } from '../host/host.ts'
import { stdioWithoutTerminals } from '../host/terminal-descriptors.ts'

/**
 * The keeper is the workspace's first process. It does nothing, and the workspace runs as long as the keeper does. The keeper claims its
 * number itself (claim.ts, C1–C5), so a service that is killed just after starting one leaks none.
 */
function keeperScript(startTimeScript: string): string {
  // The spec may set PATH to anything. SIGTERM waits until the script knows whether it has its claim: else no exit code is written (C5).
  return `PATH=/usr/bin:/bin:$PATH
claims=$3 number=$4 epoch=$5
claim=$claims/$number.claim
draft=$claims/.$number.$$
won= term=
on_exit() {
  code=$?
  trap '' TERM
  trap - EXIT
  kill "$!"
  [ "$won" = 0 ] && echo "$code" >"$draft" && mv -f "$draft" "$claims/$number.exit"
  rm -f "$draft"
  exit "$code"
} 2>/dev/null
trap on_exit EXIT
trap 'exit 143' TERM
trap '' HUP INT
${startTimeScript}
trap 'term=1' TERM
printf '{"kind":"keeper","pid":%s,"start":"%s","epoch":"%s"}\\n' "$$" "$start" "$epoch" >"$draft" && ln "$draft" "$claim"
won=$?
trap 'exit 143' TERM
[ -z "$term" ] || exit 143
rm -f "$draft"
[ "$won" = 0 ] || exit 71
for other in "$claims"/*.claim; do
  other=\${other##*/}
  [ "\${other%.claim}" -le "$number" ] || { won=; rm -f "$claim"; exit 71; }
done
while [ -e "$claim" ]; do
  sleep 300 &
  wait "$!"
done`
}

const claimTimeoutMs = 10_000

/** What clients need to reach a running workspace. */
export function processConnection(directory: WorkspaceDirectory, pid: number): Connection {
  return { pid, directory: directory.home }
}

/** Step `boot`: makes exactly one keeper run. May be repeated, run concurrently, and be interrupted anywhere: claims decide (law 3). */
export async function boot(
  host: ProcessHost,
  directory: WorkspaceDirectory,
  workspace: WorkspaceRef,
  signal: AbortSignal,
): Promise<Outcome<{ connection: Connection }>> {
  // A boot that is overtaken by another boot or a stop starts over.
  for (let attempt = 0; attempt < 10 && !signal.aborted; attempt += 1) {
    const latest = await latestClaim(directory.claimsDirectory)
    if (latest?.claim.kind === 'keeper' && (await host.processTable.isAlive(latest.claim))) {
      await persistClaim(directory.claimsDirectory, latest.number)
      return ok({ connection: processConnection(directory, latest.claim.pid) })
    }
    const number = (latest?.number ?? 0) + 1
    const cleanup = await terminateLeftovers(host, directory, workspace, number, signal)
    if (!cleanup.ok) return cleanup
    const startResult = await startKeeper(host, directory, workspace, number, signal)
    if (!startResult.ok) return startResult
  }
  return fault('transient', 'The workspace was started and stopped at the same time, over and over.')
}

/** The claim of the workspace's keeper if it is running, else `null`. */
export async function runningKeeper(
  host: ProcessHost,
  directory: WorkspaceDirectory,
): Promise<(NumberedClaim & { claim: { kind: 'keeper' } }) | null> {
  const latest = await latestClaim(directory.claimsDirectory)
  if (latest === null || latest.claim.kind !== 'keeper') return null
  return (await host.processTable.isAlive(latest.claim)) ? { number: latest.number, claim: latest.claim } : null
}

/** Kills what has outlived earlier keepers, as the end of a container would. Spares a keeper that is claiming `number` right now. */
function terminateLeftovers(
  host: ProcessHost,
  directory: WorkspaceDirectory,
  { id }: WorkspaceRef,
  number: number,
  signal: AbortSignal,
) {
  return terminateProcesses(host, id, signal, {
    graceMs: 0,
    filter: ({ variables }) =>
      variables[incarnationVariable] !== directory.incarnation || Number(variables[keeperNumberVariable]) < number,
  })
}

/** Starts a keeper, and waits until its number is claimed, by this keeper or another. */
async function startKeeper(
  host: ProcessHost,
  directory: WorkspaceDirectory,
  { id, spec }: WorkspaceRef,
  number: number,
  signal: AbortSignal,
): Promise<Outcome<void>> {
  await mkdir(directory.home, { recursive: true, mode: 0o700 })
  await removeTemporaryFiles(directory)
  const bootId = await host.processTable.bootId()
  const workspaceTags = workspaceTagVariables(host.installation, id)
  const keeperTags = {
    ...workspaceTags,
    [incarnationVariable]: directory.incarnation,
    [keeperNumberVariable]: String(number),
  }
  const logFile = keeperLogPath(directory)
  const log = await open(logFile, 'a', 0o600)
  const scriptArguments = ['vm-api-keeper', host.installation, id, directory.claimsDirectory, String(number), bootId]
  let exitReason: string | undefined
  try {
    const child = spawn('/bin/sh', ['-c', keeperScript(host.processTable.startTimeScript), ...scriptArguments], {
      cwd: directory.home,
      env: workspaceEnvironment(spec, directory, host.path, keeperTags),
      detached: true,
      stdio: stdioWithoutTerminals(['ignore', 'ignore', log.fd]),
    })
    child.on('error', (error) => {
      exitReason = error.message
    })
    child.on('exit', (code, killedBy) => {
      exitReason ??= `exit code ${code ?? killedBy}`
    })
    child.unref()
  } finally {
    await log.close()
  }
  const deadline = performance.now() + claimTimeoutMs
  for (;;) {
    // In this order: a keeper that has exited has claimed before that, or never will.
    const reason = exitReason
    if (((await latestClaim(directory.claimsDirectory))?.number ?? 0) >= number) return ok(undefined)
    if (reason !== undefined) return fault('transient', `The keeper exited at its start (${reason}). See ${logFile}.`)
    if (signal.aborted || performance.now() > deadline) return fault('transient', 'The keeper did not start in time.')
    await pollDelay(5, signal)
  }
}
