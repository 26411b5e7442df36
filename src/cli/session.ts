import type { Client, Workspace } from '../client/client.ts'
import type { Output } from './output.ts'
import type { Server } from './server.ts'
import type { Surroundings } from './surroundings.ts'

/** What a command works with. */
export interface Session {
  readonly client: Client
  readonly server: Server
  readonly out: Output
  /** Answers are JSON, and nothing else is on stdout. */
  readonly json: boolean
  readonly surroundings: Surroundings
  /** Which workspace the command is about; an error names it. */
  about: Pick<Workspace, 'name'> | undefined
  /** What is done when whoever read stdout has gone; answers the exit code. */
  whenGone: () => Promise<number>
}

/** A command answers its exit code, or nothing for success. */
export type Done = Promise<number | void>
