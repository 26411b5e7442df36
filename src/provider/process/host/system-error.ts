/** The code of an error that the system answered, such as `ENOENT`; empty for any other. */
export function systemErrorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
