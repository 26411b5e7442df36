import type { Client, Workspace } from '../client/client.ts'
import type { CliOutput } from './output/output.ts'
import type { ServiceEndpoint } from './endpoint.ts'
import type { CliEnvironment } from './cli-environment.ts'

/** What a command works with. */
export interface CommandContext {
  readonly client: Client
  readonly endpoint: ServiceEndpoint
  readonly out: CliOutput
  /** Answers are JSON, and nothing else is on stdout. */
  readonly json: boolean
  readonly environment: CliEnvironment
  /** Which workspace the command is about; an error names it. */
  targetWorkspace: Pick<Workspace, 'name'> | undefined
  /** What is done when whoever read stdout has gone; answers the exit code. */
  onStdoutClosed: () => Promise<number>
}

/** A command answers its exit code, or nothing for success. */
export type ActionResult = Promise<number | void>
