import type { TransitionEvent } from '../wire/event.ts'
import type { HealthResponse, Readiness } from '../wire/health.ts'
import type { HistoryLine } from '../wire/history.ts'
import type { OperationsResponse } from '../wire/operations.ts'
import type { OrphanResponse } from '../wire/orphan.ts'
import type { ExecLine, ExecSummary } from '../wire/runtime/exec.ts'
import type { FileEntryResponse } from '../wire/runtime/file.ts'
import type { LogLine } from '../wire/runtime/log.ts'
import type { ShellServerMessage, Ticket } from '../wire/runtime/shell.ts'
import type { Snapshot } from '../wire/snapshot.ts'
import type { TemplateResponse } from '../wire/template.ts'
import type { Workspace } from '../wire/workspace.ts'

/** Everything that the client reads from the service as JSON, by name. */
export interface ResponseBodies {
  readonly execLine: ExecLine
  readonly execSummaries: ExecSummary[]
  readonly fileEntry: FileEntryResponse
  readonly fileEntries: FileEntryResponse[]
  readonly health: HealthResponse
  readonly historyLines: HistoryLine[]
  readonly logLine: LogLine
  readonly operations: OperationsResponse
  readonly orphans: OrphanResponse[]
  readonly readiness: Readiness
  readonly shellMessage: ShellServerMessage
  readonly snapshot: Snapshot
  readonly templates: TemplateResponse[]
  readonly ticket: Ticket
  readonly transitionEvent: TransitionEvent
  readonly workspace: Workspace
  readonly workspaces: Workspace[]
}

export type ResponseName = keyof ResponseBodies

/** Checks the body of a response. @throws {InvalidResponseError} if it does not match its schema. */
export type ResponseValidator = (name: ResponseName, body: unknown) => void

/** The service answered something that its API does not promise: a bug, or a service of another version. */
export class InvalidResponseError extends Error {
  constructor(name: ResponseName, problem: string) {
    super(`The service sent an invalid response (${name}): ${problem}`)
    this.name = 'InvalidResponseError'
  }
}

/** Gives the body of a response its type. */
export type ReadBody = <N extends ResponseName>(name: N, body: unknown) => ResponseBodies[N]

/** Without `validate`, bodies are trusted: the service checks them against the same schemas in its own tests. */
export function bodyReader(validate: ResponseValidator | undefined): ReadBody {
  return <N extends ResponseName>(name: N, body: unknown) => {
    validate?.(name, body)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one place where a body from the network gets its type
    return body as ResponseBodies[N]
  }
}
