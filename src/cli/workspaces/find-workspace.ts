import type { Client, Workspace } from '../../client/client.ts'
import { ApiError } from '../../client/api-error.ts'
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command-context.ts'

export const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/
const idPrefixPattern = /^[0-9a-f][0-9a-f-]*$/i

/** Finds a workspace by its name, or else by the start of its ID. @throws {CliError} if there is none, or more than one. */
export async function findWorkspace(context: CommandContext, nameOrId: string): Promise<Workspace> {
  const workspace = await lookUp(context.client, nameOrId)
  context.targetWorkspace = workspace
  return workspace
}

async function lookUp(client: Client, nameOrId: string): Promise<Workspace> {
  if (uuidPattern.test(nameOrId))
    try {
      return await client.get(nameOrId)
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) throw notFound(nameOrId, [])
      throw error
    }
  if (namePattern.test(nameOrId)) for await (const [match] of client.list({ name: nameOrId })) if (match) return match
  const workspaces: Workspace[] = []
  for await (const page of client.list()) workspaces.push(...page)
  const matches = idPrefixPattern.test(nameOrId)
    ? workspaces.filter(({ id }) => id.startsWith(nameOrId.toLowerCase()))
    : []
  const [match, secondMatch] = matches
  if (match && secondMatch) throw ambiguous(nameOrId, matches)
  if (!match) throw notFound(nameOrId, workspaces)
  return match
}

function ambiguous(prefix: string, matches: readonly Workspace[]): CliError {
  const longest = Math.max(...matches.map((workspace) => workspace.name.length))
  const lines = matches.map((workspace) => `  ${workspace.name.padEnd(longest)}  ${workspace.id}`)
  return new CliError(`${matches.length} workspaces have an ID that starts with "${prefix}":\n${lines.join('\n')}`, {
    next: 'Use a name, or more of the ID.',
    code: 'ambiguous',
  })
}

function notFound(nameOrId: string, workspaces: readonly Workspace[]): CliError {
  const similarNames = workspaces
    .map((workspace) => workspace.name)
    .filter((name) => isSimilar(name.toLowerCase(), nameOrId.toLowerCase()))
  const suggestion = similarNames.length === 0 ? '' : `Did you mean ${similarNames.slice(0, 3).join(', ')}? `
  return new CliError(`You have no workspace "${nameOrId}".`, {
    next: `${suggestion}List your workspaces with: vm ls`,
    code: 'workspace-not-found',
  })
}

/** One starts with the other, or they differ by one letter or two swapped ones. */
function isSimilar(name: string, typed: string): boolean {
  if (typed === '') return false
  if (name.startsWith(typed) || typed.startsWith(name)) return true
  let prefixLength = 0
  while (prefixLength < name.length && name[prefixLength] === typed[prefixLength]) prefixLength++
  const rest = name.slice(prefixLength)
  const typedRest = typed.slice(prefixLength)
  const isSwapped = `${rest[1]}${rest[0]}${rest.slice(2)}` === typedRest
  return isSwapped || rest.slice(1) === typedRest.slice(1) || rest.slice(1) === typedRest || rest === typedRest.slice(1)
}
