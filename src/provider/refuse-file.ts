import type { FileRefusal } from '../workspace/file.ts'
import type { FileOutcome } from './guest.ts'

export type RefusedFile = Extract<FileOutcome<never>, { readonly refused: FileRefusal }>

const reasonPhrases: Readonly<Record<FileRefusal, string>> = {
  'not-found': 'is not there, or the directory that it is in is not',
  'not-a-file': 'is not a file',
  'not-a-directory': 'is not a directory, or leads through something that is none',
  denied: 'is not for the user of the workspace to do this with',
  exists: 'is there already',
  'not-empty': 'has something in it',
  outside: 'leads out of the workspace',
  'no-space': 'does not fit: no space is left',
  impossible: 'is not possible in this workspace',
}

/** Says no, in words about the path as it was asked for: where it is on the host is nobody's business. */
export function refuseFile(refusal: FileRefusal, path: string, detail = ''): RefusedFile {
  return {
    ok: false,
    refused: refusal,
    message: `${path} ${reasonPhrases[refusal]}${detail === '' ? '' : `: ${detail}`}.`,
  }
}
