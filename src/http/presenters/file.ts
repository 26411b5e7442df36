import type { FileResult, MalformedArchive } from '../../runtime/files/workspace-files.ts'
import type { FileEntryResponse } from '../../wire/runtime/file.ts'
import type { FileEntry, FileRefusal } from '../../workspace/file.ts'
import { notRunningProblem, providerFailedProblem } from './exec.ts'
import type { ProblemCode } from './problem-table.ts'
import { Problem } from './problem.ts'
import { isoTime } from './workspace.ts'

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

/** The problems that every file operation may be answered with. */
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

/** The value of a file operation. @throws {Problem} if it was refused or failed. */
export function unwrapFileResult<T>(result: FileResult<T> | MalformedArchive): T {
  switch (result.kind) {
    case 'done':
      return result.value
    case 'refused':
      throw new Problem(problemCodeOf[result.refusal], { error: result.message })
    case 'malformed-archive':
      throw new Problem('malformed-archive', { error: `The archive is rejected: ${result.reason}.` })
    case 'not-found':
      throw new Problem('workspace-not-found')
    case 'not-running':
      throw notRunningProblem('File operations need', result.state)
    case 'fault':
      throw providerFailedProblem(result.fault)
    default:
      return result satisfies never
  }
}

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
