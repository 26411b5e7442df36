import type { FileRefusal } from '../../workspace/file.ts'
import type { Refused } from '../refused.ts'
import { refuse } from '../refused.ts'
import { codeOf } from './system-error.ts'

const codes: Readonly<Record<string, FileRefusal>> = {
  ENOENT: 'not-found',
  ELOOP: 'not-found',
  ENOTDIR: 'not-a-directory',
  EISDIR: 'not-a-file',
  ENXIO: 'not-a-file',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  EEXIST: 'exists',
  ENOTEMPTY: 'not-empty',
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  EFBIG: 'no-space',
  ENAMETOOLONG: 'impossible',
  EINVAL: 'impossible',
  EILSEQ: 'impossible',
  EXDEV: 'impossible',
}

/** What an error of the system says about a path; `null` if it says nothing about it. */
export function refusalOf(error: unknown, path: string): Refused | null {
  const refused = codes[codeOf(error)]
  return refused === undefined ? null : refuse(refused, path)
}
