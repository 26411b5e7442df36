import { fault } from '../../../../workspace/fault.ts'
import type { FileRefusal } from '../../../../workspace/file.ts'
import type { ProcessExit } from '../../../../workspace/guest-process.ts'
import type { FileOutcome } from '../../../guest.ts'
import { refuseFile } from '../../../refuse-file.ts'
import { scriptExitCodes } from './file-scripts.ts'

const refusalByExitCode: Readonly<Record<number, FileRefusal>> = {
  [scriptExitCodes.notAFile]: 'not-a-file',
  [scriptExitCodes.notADirectory]: 'not-a-directory',
  [scriptExitCodes.denied]: 'denied',
  [scriptExitCodes.exists]: 'exists',
  [scriptExitCodes.impossible]: 'impossible',
  // A program is missing from the image.
  127: 'impossible',
}

// Messages of glibc and musl, untranslated: scripts run with LC_ALL=C.
const refusalByStderr: readonly (readonly [RegExp, FileRefusal])[] = [
  [/Permission denied|Operation not permitted|Read-only file system/, 'denied'],
  [/No space left|quota exceeded|File too large/i, 'no-space'],
  [/Not a directory/, 'not-a-directory'],
  [/Is a directory/, 'not-a-file'],
  [/File exists/, 'exists'],
  [/not empty/, 'not-empty'],
  [/No such file|nonexistent|symbolic links|Symbolic link loop/, 'not-found'],
  [/name too long|Invalid argument|cross-device|subdirectory of itself|not found/i, 'impossible'],
]

/** Why a script about `path` failed, by its exit and its stderr. */
export function scriptRefusal(
  exit: ProcessExit,
  stderr: string,
  path: string,
): Exclude<FileOutcome<never>, { readonly ok: true }> {
  if (exit.kind === 'lost')
    return fault('transient', `The outcome of the operation on ${path} is unknown: ${exit.message}`)
  const reason = stderr.trim()
  // A shell also reports a killed child with a code above 128.
  if (exit.kind === 'killed' || exit.code > 128)
    return fault('transient', `The operation on ${path} failed: its process in the workspace was killed.`)
  if (exit.code === scriptExitCodes.incomplete)
    return fault('transient', `The content for ${path} was cut off before its end. Nothing has been changed.`)
  const refusal = refusalByExitCode[exit.code] ?? refusalByStderr.find(([pattern]) => pattern.test(reason))?.[1]
  if (refusal === 'impossible') return refuseFile(refusal, path, lastLine(reason))
  if (refusal !== undefined) return refuseFile(refusal, path)
  return fault('transient', `The operation on ${path} failed with exit code ${exit.code}. ${lastLine(reason)}`.trim())
}

function lastLine(text: string): string {
  return text.slice(text.lastIndexOf('\n') + 1).replace(/\.$/, '')
}
