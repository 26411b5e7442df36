import { statePath } from '../../src/machines/workspace-view.ts'
import type { WorkspaceSnapshot } from '../../src/machines/workspace-view.ts'
import type { WorkspaceContext } from '../../src/machines/workspace-context.ts'

interface Stored {
  readonly value: WorkspaceSnapshot['value']
  readonly context: WorkspaceContext
}

/** What a snapshot that lies on the disk says. It is the service's own; whether it can be read is tested elsewhere. */
export function storedOf(snapshot: string): Stored {
  const stored: Stored = JSON.parse(snapshot)
  return stored
}

/** The state that a snapshot on the disk is in: `creating.boot`. */
export function stateOf(snapshot: string): string {
  return statePath(storedOf(snapshot).value)
}
