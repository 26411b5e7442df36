import type { FileRefusal } from '../../../../workspace/file.ts'
import type { RefusedFile } from '../../../refuse-file.ts'
import { refuseFile } from '../../../refuse-file.ts'
import { systemErrorCode } from '../../host/system-error.ts'

const refusalsByErrno: Readonly<Record<string, FileRefusal>> = {
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
export function refusalFromErrno(error: unknown, path: string): RefusedFile | null {
  const refusal = refusalsByErrno[systemErrorCode(error)]
  return refusal === undefined ? null : refuseFile(refusal, path)
}
