import { statePath } from '../../../src/machines/workspace-snapshot.ts'
import type { WorkspaceSnapshot } from '../../../src/machines/workspace-snapshot.ts'
import type { WorkspaceContext } from '../../../src/machines/workspace-context.ts'

interface StoredSnapshot {
  readonly value: WorkspaceSnapshot['value']
  readonly context: WorkspaceContext
}

/** Parses a snapshot as the service stored it, without validation. */
export function parseStored(snapshot: string): StoredSnapshot {
  const parsed: StoredSnapshot = JSON.parse(snapshot)
  return parsed
}

/** Returns the state of a stored snapshot, such as `creating.boot`. */
export function storedStatePath(snapshot: string): string {
  return statePath(parseStored(snapshot).value)
}
