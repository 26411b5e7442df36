import { statePath } from '../../../src/machines/workspace-snapshot.ts'
import type { WorkspaceSnapshot } from '../../../src/machines/workspace-snapshot.ts'
import type { WorkspaceContext } from '../../../src/machines/workspace-context.ts'

interface StoredSnapshot {
  readonly value: WorkspaceSnapshot['value']
  readonly context: WorkspaceContext
}

/** What a snapshot that lies on the disk says. It is the service's own; whether it can be read is tested elsewhere. */
export function parseStored(snapshot: string): StoredSnapshot {
  const parsed: StoredSnapshot = JSON.parse(snapshot)
  return parsed
}

/** The state that a snapshot on the disk is in: `creating.boot`. */
export function storedStatePath(snapshot: string): string {
  return statePath(parseStored(snapshot).value)
}
