import type { ReadStream, WriteStream } from 'node:tty'

/** What a command is started with. */
export interface CliEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  /** `undefined`: the system knows none. */
  readonly loginName: () => string | undefined
  readonly stdin: ReadStream
  readonly stdout: WriteStream
  readonly stderr: WriteStream
}
