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
 * The keeper is the workspace's first process: it does nothing, and the workspace runs for as long as it does. It claims its
 * number itself (claim.ts, C1–C5), so that no moment between its start and our knowing of it can leak one.
 */
function keeperScript(startTimeScript: string): string {
  // The recipe's PATH may lead anywhere.
  return `PATH=/usr/bin:/bin:$PATH
claims=$3 number=$4 epoch=$5
claim=$claims/$number.claim
draft=$claims/.$number.$$
won=
ended() {
  code=$?
  trap '' TERM
  trap - EXIT
  kill "$!"
  [ "$won" = 0 ] && echo "$code" >"$draft" && mv -f "$draft" "$claims/$number.exit"
  rm -f "$draft"
  exit "$code"
} 2>/dev/null
trap ended EXIT
trap 'exit 143' TERM
trap '' HUP INT
${startTimeScript}
printf '{"kind":"keeper","pid":%s,"start":"%s","epoch":"%s"}\\n' "$$" "$start" "$epoch" >"$draft" && ln "$draft" "$claim"
won=$?
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

/** How a running workspace is reached. */
export function processConnection(directory: WorkspaceDirectory, pid: number): Connection {
  return { pid, directory: directory.home }
}

/** Makes exactly one keeper run. May be repeated, also at once, and cut off anywhere: claims decide (law 3). */
export async function boot(
  host: ProcessHost,
  directory: WorkspaceDirectory,
  workspace: WorkspaceRef,
  signal: AbortSignal,
): Promise<Outcome<{ connection: Connection }>> {
  // Whoever is overtaken by another boot or a halt looks again. Nobody is overtaken for ever.
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
  return fault('transient', 'The workspace was booted and halted at the same time, over and over.')
}

/** Is the workspace's keeper running? Its claim, if so. */
export async function runningKeeper(
  host: ProcessHost,
  directory: WorkspaceDirectory,
): Promise<(NumberedClaim & { claim: { kind: 'keeper' } }) | null> {
  const latest = await latestClaim(directory.claimsDirectory)
  if (latest === null || latest.claim.kind !== 'keeper') return null
  return (await host.processTable.isAlive(latest.claim)) ? { number: latest.number, claim: latest.claim } : null
}

/** Ends what earlier keepers left behind, which a container's end would have taken along. Spares a keeper that is just claiming `number`. */
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

/** Starts a keeper, and waits until its number is claimed, by it or by another. */
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
    // In this order: a keeper that is seen to have ended has claimed before that, or never will.
    const reason = exitReason
    if (((await latestClaim(directory.claimsDirectory))?.number ?? 0) >= number) return ok(undefined)
    if (reason !== undefined)
      return fault('transient', `The keeper ended before it ran (${reason}). ${logFile} may say more.`)
    if (signal.aborted || performance.now() > deadline) return fault('transient', 'The keeper did not come up in time.')
    await pollDelay(5, signal)
  }
}
