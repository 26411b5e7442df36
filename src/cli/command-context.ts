import type { Client, Workspace } from '../client/client.ts'
import type { CliEnvironment } from './cli-environment.ts'
import type { ServiceEndpoint } from './endpoint.ts'
import type { CliOutput } from './output/output.ts'

/** Everything that a command works with. */
export interface CommandContext {
  readonly client: Client
  readonly endpoint: ServiceEndpoint
  readonly out: CliOutput
  /** Results are JSON, and stdout has nothing else. */
  readonly json: boolean
  readonly environment: CliEnvironment
  /** The workspace that the command is about, for error messages. */
  targetWorkspace: Workspace | Pick<Workspace, 'name'> | undefined
  /** Called when the reader of stdout has closed it; returns the exit code. */
  onStdoutClosed: () => Promise<number>
}

/** A command returns its exit code, or nothing for success. */
export type ActionResult = Promise<number | void>
