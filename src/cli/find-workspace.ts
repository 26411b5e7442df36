import type { Client, Workspace } from '../client/client.ts'
import { ApiError } from '../client/api-error.ts'
import { CliError } from './cli-error.ts'
import type { Session } from './session.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const name = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/
const idPrefix = /^[0-9a-f][0-9a-f-]*$/i

/** The workspace of this name, or else the one whose id begins so. @throws {CliError} if there is none, or more than one. */
export async function findWorkspace(session: Session, wanted: string): Promise<Workspace> {
  const found = await lookUp(session.client, wanted)
  session.about = found
  return found
}

async function lookUp(client: Client, wanted: string): Promise<Workspace> {
  if (uuid.test(wanted))
    try {
      return await client.get(wanted)
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) throw noSuch(wanted, [])
      throw error
    }
  if (name.test(wanted)) for await (const [only] of client.list({ name: wanted })) if (only) return only
  const all: Workspace[] = []
  for await (const page of client.list()) all.push(...page)
  const those = idPrefix.test(wanted) ? all.filter(({ id }) => id.startsWith(wanted.toLowerCase())) : []
  const [only, other] = those
  if (only && other) throw ambiguous(wanted, those)
  if (!only) throw noSuch(wanted, all)
  return only
}

function ambiguous(wanted: string, those: readonly Workspace[]): CliError {
  const longest = Math.max(...those.map((one) => one.name.length))
  const lines = those.map((one) => `  ${one.name.padEnd(longest)}  ${one.id}`)
  return new CliError(`${those.length} workspaces have an id that begins with "${wanted}":\n${lines.join('\n')}`, {
    next: 'Give a name, or more of the id.',
    code: 'ambiguous',
  })
}

function noSuch(wanted: string, all: readonly Workspace[]): CliError {
  const near = all.map((one) => one.name).filter((one) => isNear(one.toLowerCase(), wanted.toLowerCase()))
  const meant = near.length === 0 ? '' : `Did you mean ${near.slice(0, 3).join(', ')}? `
  return new CliError(`You have no workspace "${wanted}".`, {
    next: `${meant}\`vm ls\` lists yours, \`vm create NAME\` makes one.`,
    code: 'workspace-not-found',
  })
}

/** One begins like the other, or they differ by a letter, or by two that are swapped. */
function isNear(one: string, other: string): boolean {
  if (other === '') return false
  if (one.startsWith(other) || other.startsWith(one)) return true
  let begin = 0
  while (begin < one.length && one[begin] === other[begin]) begin++
  const rest = one.slice(begin)
  const otherRest = other.slice(begin)
  const isSwapped = `${rest[1]}${rest[0]}${rest.slice(2)}` === otherRest
  return isSwapped || rest.slice(1) === otherRest.slice(1) || rest.slice(1) === otherRest || rest === otherRest.slice(1)
}
