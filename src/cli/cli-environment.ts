import type { ReadStream, WriteStream } from 'node:tty'

/** The process that a command runs in. */
export interface CliEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  /** `undefined` if the system does not know it. */
  readonly loginName: () => string | undefined
  readonly stdin: ReadStream
  readonly stdout: WriteStream
  readonly stderr: WriteStream
}
