import { randomUUID } from 'node:crypto'

/** A workspace's identity: a lower-case UUID. Made by {@link newWorkspaceId}, parsed at the edges by {@link parseWorkspaceId}. */
export type WorkspaceId = string & { readonly __brand: 'WorkspaceId' }

/** The user name that a request was made with. Parsed where requests come in; never taken from a body. */
export type Owner = string & { readonly __brand: 'Owner' }

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** A new random id (UUID version 4). */
export function newWorkspaceId(): WorkspaceId {
  return randomUUID() as string as WorkspaceId
}

/** Parses a UUID in upper or lower case; returns `undefined` if `text` is not one. */
export function parseWorkspaceId(text: string): WorkspaceId | undefined {
  if (uuid.test(text)) return text as WorkspaceId
  const lower = text.toLowerCase()
  return uuid.test(lower) ? (lower as WorkspaceId) : undefined
}

/** Parses a user name: 1–128 printable ASCII characters without a comma or surrounding spaces; else returns `undefined`. */
export function parseOwner(text: string): Owner | undefined {
  return text.length <= 128 && /^[!-~]([ -~]*[!-~])?$/.test(text) && !text.includes(',') ? (text as Owner) : undefined
}
