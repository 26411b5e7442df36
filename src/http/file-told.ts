import type { Fault } from '../workspace/fault.ts'
import type { FileEntry, FileRefusal } from '../workspace/file.ts'
import type { FileEntryShown } from '../wire/file.ts'
import type { ProblemCode } from './known-problems.ts'
import { Problem } from './problem.ts'
import { isoTime } from './view.ts'

/** What a file verb answers. */
export type FileAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: Fault }
  | { readonly ok: false; readonly refused: FileRefusal; readonly message: string }

const codes: Readonly<Record<FileRefusal, ProblemCode>> = {
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
export const fileProblems = [
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
export function fileValueIn<T>(answer: FileAnswer<T>): T {
  if (answer.ok) return answer.value
  if ('refused' in answer) throw new Problem(codes[answer.refused], { error: answer.message })
  throw new Problem('provider-failed', { error: answer.fault.message, headers: { 'retry-after': '5' } })
}

/** Files are reached in a workspace that runs. */
export function notUpForFiles(state: string): Problem {
  return new Problem('refused-in-state', {
    error: `Files are reached in a workspace that runs, and this one is in state "${state}".`,
    state,
  })
}

/** An entry as clients see it. */
export function entryView({ name, kind, bytes, mode, modifiedAt, target }: FileEntry): FileEntryShown {
  return {
    name,
    kind,
    bytes,
    mode: (mode & 0o7777).toString(8).padStart(4, '0'),
    modified_at: isoTime(modifiedAt),
    ...(target !== null && { target }),
  }
}
