import { randomUUID } from 'node:crypto'
import { link, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseJsonObject, syncToDisk } from './workspace-directory.ts'
import type { ProcessIdentity } from '../host/process-table.ts'
import { systemErrorCode } from '../host/system-error.ts'

// Claims decide which keeper is the workspace's. They are numbered files, `1.claim`, `2.claim`, …; the highest counts.
//   C1. A claim is created with link(2): whole or not at all, and by one process only. It is never changed.
//   C2. A keeper that does not get its number exits at once. So at most one keeper runs on, however many were started by services that
//       were killed meanwhile.
//   C3. A stop claims the next number too. A keeper that was started before the stop, and is late, finds its number taken.
//   C4. Old claims may be removed, the highest never is: a keeper that claims a lower number sees the higher one and exits.
//   C5. A keeper writes `N.exit` before it exits. Without that file it was killed, and its exit code is unknown.

export type Claim =
  | ({ readonly kind: 'keeper' } & ProcessIdentity)
  /** The workspace is stopped. `exit` is the exit code of the keeper before; `null` if unknown, `'never'` if there was none. */
  | { readonly kind: 'rest'; readonly exit: number | null | 'never' }
  /** The file is incomplete. Since C1 holds while the host is up, the host went down before it was written to disk. */
  | { readonly kind: 'corrupt' }

export interface NumberedClaim {
  readonly number: number
  readonly claim: Claim
}

/** The highest claim; `null` before the first. */
export async function latestClaim(claimsDirectory: string): Promise<NumberedClaim | null> {
  for (;;) {
    const number = Math.max(0, ...(await claimNumbers(claimsDirectory)))
    if (number === 0) return null
    const text = await readFileIfExists(join(claimsDirectory, `${number}.claim`))
    if (text === null) continue // removed since the directory was read, so there is a higher claim now
    return { number, claim: parseClaim(text) ?? { kind: 'corrupt' } }
  }
}

/** Claims `number` for a stop. Returns false if it is taken. */
export async function claimStop(
  claimsDirectory: string,
  number: number,
  exit: number | null | 'never',
): Promise<boolean> {
  const temporaryPath = join(claimsDirectory, `.${number}.${randomUUID()}`)
  const claim: Claim = { kind: 'rest', exit }
  await writeFile(temporaryPath, `${JSON.stringify(claim)}\n`, { mode: 0o600, flush: true })
  try {
    await link(temporaryPath, join(claimsDirectory, `${number}.claim`))
    return true
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false
    throw error
  } finally {
    await rm(temporaryPath, { force: true })
  }
}

/** The exit code of the keeper with this number; `null` if it runs, or was killed. */
export async function keeperExitCode(claimsDirectory: string, number: number): Promise<number | null> {
  const text = await readFileIfExists(join(claimsDirectory, `${number}.exit`))
  return text === null || !/^\d+\n?$/.test(text) ? null : Number(text)
}

/** Makes a claim survive a power cut, and removes the claims that it replaces. May be repeated. */
export async function persistClaim(claimsDirectory: string, number: number): Promise<void> {
  await syncToDisk(join(claimsDirectory, `${number}.claim`))
  await syncToDisk(claimsDirectory)
  for (const name of await readdir(claimsDirectory)) {
    const claimNumber = /^\.?([1-9]\d*)\./.exec(name)?.[1]
    if (claimNumber !== undefined && Number(claimNumber) < number)
      await rm(join(claimsDirectory, name), { force: true })
  }
}

async function claimNumbers(claimsDirectory: string): Promise<readonly number[]> {
  const names = await readdir(claimsDirectory)
  return names.flatMap((name) => (/^[1-9]\d*\.claim$/.test(name) ? [Number.parseInt(name, 10)] : []))
}

async function readFileIfExists(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null
    throw error
  }
}

function parseClaim(text: string): Claim | null {
  const fields = parseJsonObject(text)
  if (fields === null) return null
  const { kind, pid, start, epoch, exit } = fields
  if (kind === 'rest') return exit === null || exit === 'never' || typeof exit === 'number' ? { kind, exit } : null
  if (kind !== 'keeper' || typeof start !== 'string' || typeof epoch !== 'string') return null
  // A signal to 1 or below would reach init, our own process group, or every process.
  return typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 1
    ? { kind, pid, startTime: start, bootId: epoch }
    : null
}
