import { ApiError } from '../client/api-error.ts'
import { InvalidResponseError } from '../client/response-body.ts'
import { CliError } from './cli-error.ts'
import type { CommandContext } from './command-context.ts'
import type { ServiceEndpoint } from './endpoint.ts'
import { toRecord } from './to-record.ts'

interface FailedCommand {
  readonly command: string
  readonly endpoint: ServiceEndpoint | undefined
  readonly workspace: CommandContext['targetWorkspace']
}

/** Converts a failure to what happened and what to do next. @throws anything that is a bug. */
export function toCliError(error: unknown, failed: FailedCommand): CliError {
  if (error instanceof CliError) return error
  if (error instanceof ApiError) {
    const { message, next } = describeApiError(error, failed)
    return new CliError(message, { next, code: error.code })
  }
  if (error instanceof InvalidResponseError)
    return new CliError(error.message, {
      next: 'Compare the versions of the service and of vm: vm --version',
      code: 'invalid-response',
    })
  if (isSystemError(error))
    return new CliError(systemErrorMessage(error), { next: helpHint(failed.command), code: error.code })
  throw error
}

const helpHint = (command: string) => `See the usage with: vm ${command} --help`

function describeApiError(error: ApiError, failed: FailedCommand): { readonly message: string; readonly next: string } {
  const { command, endpoint, workspace } = failed
  const { code, status } = error
  const name = workspace?.name ?? 'NAME'
  if (code === 'refused-in-state' && workspace && 'settled' in workspace)
    return refusedInState(error, command, workspace)
  const message =
    status === 0 && code === 'unreachable'
      ? `No service answers at ${endpoint?.url ?? 'that address'}${causeSuffix(error)}.`
      : error.message
  const nextSteps: Readonly<Record<string, string>> = {
    unreachable: 'Start a service with: vm serve. Or name another one with --url or VM_API_URL.',
    'cut-off':
      command === 'cp'
        ? 'Run the command again; the old file is unchanged.'
        : `The service may have executed the command. Check with: vm show ${name}`,
    unauthenticated: 'Name a user with --user or VM_API_USER. A proxy may require a --header.',
    'workspace-not-found': 'List your workspaces with: vm ls',
    'name-taken': `See the existing workspace with: vm show ${name}. Delete it with: vm rm ${name}`,
    'unknown-template': 'List the templates with: vm templates',
    'not-runnable': `List the users of the workspace with: vm exec ${name} -- cat /etc/passwd`,
    'exec-not-found': `Run the command again with: vm exec ${name} -- COMMAND`,
    'shell-not-found': `Open a new shell with: vm ssh ${name}`,
    'file-not-found': `List the files with: vm exec ${name} -- ls -la`,
    'file-denied': `See the owner of the file with: vm exec ${name} -- ls -la`,
    'no-space': `See the disk usage with: vm exec ${name} -- df -h`,
    'too-many-runs': `List the running commands with: vm exec ${name} -- ps`,
    'route-not-found': 'The service may be older than this command. See its version with: vm --version',
  }
  const fallback = status >= 500 ? 'Try again later. The log of the service may have details.' : helpHint(command)
  return { message, next: nextSteps[code] ?? fallback }
}

/** `workspace` is as it was right before the command. */
function refusedInState(
  error: ApiError,
  command: string,
  { name, status, ready, settled }: Extract<FailedCommand['workspace'], { readonly settled: boolean }>,
): { readonly message: string; readonly next: string } {
  const inspect = `See its state with: vm show ${name}`
  if (ready && command === 'start')
    return { message: `Workspace "${name}" is already running.`, next: `Open a shell with: vm ssh ${name}` }
  if (ready || !settled) return { message: error.message, next: `Wait until it is settled. ${inspect}` }
  if (status === 'failed')
    return {
      message: `Workspace "${name}" has failed.`,
      next: `See why with: vm show ${name}. Try again with: vm start ${name}`,
    }
  const isRedundant = command === 'stop'
  return {
    message: `Workspace "${name}" is ${isRedundant ? 'already ' : ''}${status}.`,
    next: `Start it with: vm start ${name}`,
  }
}

function causeSuffix({ cause }: ApiError): string {
  const rootCause: unknown = cause instanceof Error ? (cause.cause ?? cause) : cause
  const { code } = toRecord(rootCause)
  return typeof code === 'string' && code !== 'ECONNREFUSED' ? ` (${code})` : ''
}

interface SystemError extends Error {
  readonly code: string
  readonly syscall: string
  readonly path?: string
}

/** Of a local file, for instance: not a bug. */
function isSystemError(error: unknown): error is SystemError {
  const { code, syscall } = toRecord(error)
  return error instanceof Error && typeof code === 'string' && typeof syscall === 'string'
}

function systemErrorMessage({ code, message, path, syscall }: SystemError): string {
  const messages: Readonly<Record<string, string>> = {
    ENOENT: 'does not exist',
    EACCES: 'cannot be accessed: permission denied',
    EISDIR: 'is a directory',
    ENOTDIR: 'is inside something that is not a directory',
    ENOSPC: 'cannot be written: the disk is full',
  }
  const text = messages[code]
  return path !== undefined && text !== undefined ? `${path} ${text}.` : `${message} (${syscall})`
}
