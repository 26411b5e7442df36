import { spawn } from 'node:child_process'
import { mkdir, open } from 'node:fs/promises'
import type { Connection } from '../../workspace/container.ts'
import { done, fault, type Outcome } from '../../workspace/fault.ts'
import type { Subject } from '../../workspace/subject.ts'
import { pause } from './answer.ts'
import { latestClaim, type NumberedClaim, settleClaim } from './claim.ts'
import { clearIncoming, type Directory, keeperLog } from './directory.ts'
import { endProcesses } from './ending.ts'
import { environmentOf, incarnationVariable, runVariable, workspaceMark } from './environment.ts'
import type { Host } from './host.ts'
import { withoutTerminals } from './open-terminals.ts'

/**
 * The keeper is the workspace's first process: it does nothing, and the workspace runs for as long as it does. It claims its
 * number itself (claim.ts, C1–C5), so that no moment between its start and our knowing of it can leak one.
 */
function keeperScript(readStart: string): string {
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
${readStart}
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

const claimMs = 10_000

/** How a running workspace is reached. */
export function connectionOf(directory: Directory, pid: number): Connection {
  return { pid, directory: directory.home }
}

/** Makes exactly one keeper run. May be repeated, also at once, and cut off anywhere: claims decide (law 3). */
export async function boot(
  host: Host,
  directory: Directory,
  subject: Subject,
  signal: AbortSignal,
): Promise<Outcome<{ connection: Connection }>> {
  // Whoever is overtaken by another boot or a halt looks again. Nobody is overtaken for ever.
  for (let round = 0; round < 10 && !signal.aborted; round += 1) {
    const latest = await latestClaim(directory.claims)
    if (latest?.claim.kind === 'keeper' && (await host.table.lives(latest.claim))) {
      await settleClaim(directory.claims, latest.number)
      return done({ connection: connectionOf(directory, latest.claim.pid) })
    }
    const number = (latest?.number ?? 0) + 1
    const swept = await endLeftovers(host, directory, subject, number, signal)
    if (!swept.ok) return swept
    const started = await startKeeper(host, directory, subject, number, signal)
    if (!started.ok) return started
  }
  return fault('later', 'The workspace was booted and halted at the same time, over and over.')
}

/** Is the workspace's keeper running? Its claim, if so. */
export async function runningKeeper(
  host: Host,
  directory: Directory,
): Promise<(NumberedClaim & { claim: { kind: 'keeper' } }) | null> {
  const latest = await latestClaim(directory.claims)
  if (latest === null || latest.claim.kind !== 'keeper') return null
  return (await host.table.lives(latest.claim)) ? { number: latest.number, claim: latest.claim } : null
}

/** Ends what earlier keepers left behind, which a container's end would have taken along. Spares a keeper that is just claiming `number`. */
function endLeftovers(host: Host, directory: Directory, { id }: Subject, number: number, signal: AbortSignal) {
  return endProcesses(host, id, signal, {
    graceMs: 0,
    which: ({ variables }) =>
      variables[incarnationVariable] !== directory.incarnation || Number(variables[runVariable]) < number,
  })
}

/** Starts a keeper, and waits until its number is claimed, by it or by another. */
async function startKeeper(
  host: Host,
  directory: Directory,
  { id, recipe }: Subject,
  number: number,
  signal: AbortSignal,
): Promise<Outcome<void>> {
  await mkdir(directory.home, { recursive: true, mode: 0o700 })
  await clearIncoming(directory)
  const epoch = await host.table.epoch()
  const mark = workspaceMark(host.installation, id)
  const marks = { ...mark, [incarnationVariable]: directory.incarnation, [runVariable]: String(number) }
  const logFile = keeperLog(directory)
  const log = await open(logFile, 'a', 0o600)
  const given = ['vm-api-keeper', host.installation, id, directory.claims, String(number), epoch]
  let ended: string | undefined
  try {
    const child = spawn('/bin/sh', ['-c', keeperScript(host.table.readStart), ...given], {
      cwd: directory.home,
      env: environmentOf(recipe, directory, host.path, marks),
      detached: true,
      stdio: withoutTerminals(['ignore', 'ignore', log.fd]),
    })
    child.on('error', (error) => {
      ended = error.message
    })
    child.on('exit', (code, killedBy) => {
      ended ??= `exit code ${code ?? killedBy}`
    })
    child.unref()
  } finally {
    await log.close()
  }
  const deadline = performance.now() + claimMs
  for (;;) {
    // In this order: a keeper that is seen to have ended has claimed before that, or never will.
    const why = ended
    if (((await latestClaim(directory.claims))?.number ?? 0) >= number) return done(undefined)
    if (why !== undefined) return fault('later', `The keeper ended before it ran (${why}). ${logFile} may say more.`)
    if (signal.aborted || performance.now() > deadline) return fault('later', 'The keeper did not come up in time.')
    await pause(5, signal)
  }
}
