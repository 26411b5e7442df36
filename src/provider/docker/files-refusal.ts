import { fault } from '../../workspace/fault.ts'
import type { FileRefusal } from '../../workspace/file.ts'
import type { RunEnd } from '../../workspace/run.ts'
import type { FileOutcome } from '../inside.ts'
import { refuse } from '../refused.ts'
import { said } from './files-scripts.ts'

const codes: Readonly<Record<number, FileRefusal>> = {
  [said.notAFile]: 'not-a-file',
  [said.notADirectory]: 'not-a-directory',
  [said.denied]: 'denied',
  [said.exists]: 'exists',
  [said.impossible]: 'impossible',
  // A program that the image does not have.
  127: 'impossible',
}

// Of glibc and of musl; the scripts run in the language of neither's translations.
const reasons: readonly (readonly [RegExp, FileRefusal])[] = [
  [/Permission denied|Operation not permitted|Read-only file system/, 'denied'],
  [/No space left|quota exceeded|File too large/i, 'no-space'],
  [/Not a directory/, 'not-a-directory'],
  [/Is a directory/, 'not-a-file'],
  [/File exists/, 'exists'],
  [/not empty/, 'not-empty'],
  [/No such file|nonexistent|symbolic links|Symbolic link loop/, 'not-found'],
  [/name too long|Invalid argument|cross-device|subdirectory of itself|not found/i, 'impossible'],
]

/** Why a script about `path` did not do what it was to, by how it ended and what it wrote on stderr. */
export function refusalOf(
  end: RunEnd,
  stderr: string,
  path: string,
): Exclude<FileOutcome<never>, { readonly ok: true }> {
  if (end.kind === 'lost') return fault('later', `What became of ${path} was not heard: ${end.message}`)
  const reason = stderr.trim()
  // A shell says so too of what it has started.
  if (end.kind === 'killed' || end.code > 128)
    return fault('later', `${path} was given up: what was at work on it in the workspace was killed.`)
  if (end.code === said.cutOff)
    return fault('later', `What was to be written to ${path} was cut off, so nothing was changed.`)
  const refused = codes[end.code] ?? reasons.find(([pattern]) => pattern.test(reason))?.[1]
  if (refused === 'impossible') return refuse(refused, path, lastLine(reason))
  if (refused !== undefined) return refuse(refused, path)
  return fault('later', `${path} was given up with exit code ${end.code}. ${lastLine(reason)}`.trim())
}

function lastLine(text: string): string {
  return text.slice(text.lastIndexOf('\n') + 1).replace(/\.$/, '')
}
