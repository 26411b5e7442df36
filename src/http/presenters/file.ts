import type { Fault } from '../../workspace/fault.ts'
import type { FileEntry, FileRefusal } from '../../workspace/file.ts'
import type { FileEntryResponse } from '../../wire/runtime/file.ts'
import type { ProblemCode } from './problem-table.ts'
import { Problem } from './problem.ts'
import { isoTime } from './workspace.ts'

/** What a file verb answers. */
export type FileResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: Fault }
  | { readonly ok: false; readonly refused: FileRefusal; readonly message: string }

const problemCodeOf: Readonly<Record<FileRefusal, ProblemCode>> = {
  'not-found': 'file-not-found',
  'not-a-file': 'not-a-file',
  'not-a-directory': 'not-a-directory',
  denied: 'file-denied',
  exists: 'file-exists',
  'not-empty': 'directory-not-empty',
  outside: 'path-outside',
  'no-space': 'no-space',
  impossible: 'workspace-lacks',
}

/** All that a file verb may be refused with. */
export const fileProblemCodes = [
  'file-not-found',
  'not-a-file',
  'not-a-directory',
  'file-denied',
  'path-outside',
  'refused-in-state',
  'workspace-lacks',
  'provider-failed',
] as const

/** The value, or the refusal. */
export function unwrapFileResult<T>(result: FileResult<T>): T {
  if (result.ok) return result.value
  if ('refused' in result) throw new Problem(problemCodeOf[result.refused], { error: result.message })
  throw new Problem('provider-failed', { error: result.fault.message, headers: { 'retry-after': '5' } })
}

/** Files are reached in a workspace that runs. */
export function notRunningForFiles(state: string): Problem {
  return new Problem('refused-in-state', {
    error: `Files are reached in a workspace that runs, and this one is in state "${state}".`,
    state,
  })
}

/** An entry as clients see it. */
export function presentFileEntry({ name, kind, bytes, mode, modifiedAt, target }: FileEntry): FileEntryResponse {
  return {
    name,
    kind,
    bytes,
    mode: (mode & 0o7777).toString(8).padStart(4, '0'),
    modified_at: isoTime(modifiedAt),
    ...(target !== null && { target }),
  }
}
