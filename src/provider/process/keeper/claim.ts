import { randomUUID } from 'node:crypto'
import { link, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { syncToDisk } from './workspace-directory.ts'
import type { ProcessIdentity } from '../host/process-table.ts'
import { parseJsonObject } from '../host/parse-json-object.ts'
import { systemErrorCode } from '../host/system-error.ts'

// Which keeper is a workspace's keeper. The claims of a workspace are numbered files, `1.claim`, `2.claim`, …; the highest counts.
//   C1. A claim is made with link(2): whole or not at all, and by one process only. It is never changed.
//   C2. A keeper that did not get the number that it was started with ends at once. So however many were started by however many
//       services that were killed on the way, one at most goes on.
//   C3. A halt claims the next number too. A keeper that was started before the halt and is late finds its number taken.
//   C4. Old claims may be removed, the highest never is: a keeper that claims a lower number sees the higher one and ends.
//   C5. A keeper writes `N.exit` before it ends. Without that file it was killed, and nobody saw the code.

export type Claim =
  | ({ readonly kind: 'keeper' } & ProcessIdentity)
  /** Nothing is to run. `exit` is what came of the keeper before: its code, `null` if it has none, `'never'` if there was no keeper. */
  | { readonly kind: 'rest'; readonly exit: number | null | 'never' }
  /** It cannot be read. Since C1 holds while the host is up, it was cut off when the host went down. */
  | { readonly kind: 'torn' }

export interface NumberedClaim {
  readonly number: number
  readonly claim: Claim
}

/** The claim that counts; `null` before the first. */
export async function latestClaim(claimsDirectory: string): Promise<NumberedClaim | null> {
  for (;;) {
    const number = Math.max(0, ...(await claimNumbers(claimsDirectory)))
    if (number === 0) return null
    const text = await readFileIfExists(join(claimsDirectory, `${number}.claim`))
    if (text === null) continue // removed as an old one since the list was read: there is a higher one now
    return { number, claim: parseClaim(text) ?? { kind: 'torn' } }
  }
}

/** Claims the number for a rest. False if somebody else has it. */
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

/** The code that the keeper with this number has ended with; `null` if it has not, or was killed. */
export async function keeperExitCode(claimsDirectory: string, number: number): Promise<number | null> {
  const text = await readFileIfExists(join(claimsDirectory, `${number}.exit`))
  return text === null || !/^\d+\n?$/.test(text) ? null : Number(text)
}

/** Makes a claim outlast a power cut, and removes those that it has replaced. May be repeated. */
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
  // 1 and below would be signals to init, to our own group, or to everybody.
  return typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 1
    ? { kind, pid, startTime: start, bootId: epoch }
    : null
}
