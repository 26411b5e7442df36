import type { FileRefusal } from '../workspace/file.ts'
import type { FileOutcome } from './guest.ts'

export type RefusedFile = Extract<FileOutcome<never>, { readonly refused: FileRefusal }>

const reasonPhrases: Readonly<Record<FileRefusal, string>> = {
  'not-found': 'does not exist, or its directory does not',
  'not-a-file': 'is not a file',
  'not-a-directory': 'is not a directory, or leads through something that is not',
  denied: 'may not be accessed like this by the user of the workspace',
  exists: 'exists already',
  'not-empty': 'is not empty',
  outside: 'leads out of the workspace',
  'no-space': 'does not fit: no space left on the device',
  impossible: 'is not possible in this workspace',
}

/** Builds a refusal. The message names the path as the caller gave it, and never its place on the host. */
export function refuseFile(refusal: FileRefusal, path: string, detail = ''): RefusedFile {
  return {
    ok: false,
    refused: refusal,
    message: `${path} ${reasonPhrases[refusal]}${detail === '' ? '' : `: ${detail}`}.`,
  }
}
