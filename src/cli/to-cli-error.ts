import { ApiError } from '../client/api-error.ts'
import { CliError } from './cli-error.ts'
import type { ServiceEndpoint } from './endpoint.ts'

interface FailedCommand {
  readonly command: string
  readonly endpoint: ServiceEndpoint | undefined
  /** Which workspace it was about. */
  readonly workspaceName: string | undefined
}

/** What went wrong, and what to type next. A bug is thrown on. */
export function toCliError(error: unknown, { command, workspaceName, endpoint }: FailedCommand): CliError {
  if (error instanceof CliError) return error
  if (error instanceof ApiError) {
    const message =
      error.status === 0 && error.code === 'unreachable'
        ? `No service answers at ${endpoint?.url ?? 'that address'}${causeSuffix(error)}.`
        : (alreadyInState(error, command, workspaceName ?? 'It') ?? error.message)
    return new CliError(message, { next: nextStep(error, command, workspaceName ?? 'NAME'), code: error.code })
  }
  if (isSystemError(error))
    return new CliError(systemErrorMessage(error), {
      next: `\`vm ${command} --help\` says how it is used.`,
      code: error.code,
    })
  throw error
}

/** What people mean by a command that a workspace does not take: it is so already. */
function alreadyInState({ code, state = '' }: ApiError, command: string, name: string): string | undefined {
  if (code !== 'refused-in-state') return undefined
  if (command === 'start' && state === 'running.up') return `${name} runs already.`
  if (command === 'stop' && state === 'stopped.idle') return `${name} has stopped already.`
  return undefined
}

/** What to do about a refusal of the service. */
function nextStep({ code, state, status }: ApiError, command: string, name: string): string {
  if (code === 'refused-in-state') return nextStepInState(state ?? '', command, name)
  const nextSteps: Readonly<Record<string, string>> = {
    unreachable: 'Start one with `vm serve`, or say where it is: --url, or VM_API_URL.',
    'cut-off':
      command === 'cp' ? 'Do it again: what was there stands.' : `It may have been done: \`vm show ${name}\` tells.`,
    unauthenticated: 'Say who you are: --user, or VM_API_USER; a proxy may want a --header.',
    'workspace-not-found': '`vm ls` lists your workspaces.',
    'name-taken': `\`vm show ${name}\` shows it, \`vm rm ${name}\` removes it.`,
    'unknown-template': '`vm templates` lists those that there are.',
    'not-runnable': `Look who is there: \`vm exec ${name} -- cat /etc/passwd\`.`,
    'exec-not-found': `Run it again: \`vm exec ${name} -- COMMAND\`.`,
    'shell-not-found': `Open a new one: \`vm ssh ${name}\`.`,
    'file-not-found': `Look what is there: \`vm exec ${name} -- ls -la\`.`,
    'file-denied': `Look whose it is: \`vm exec ${name} -- ls -la\`.`,
    'no-space': `Look what takes it: \`vm exec ${name} -- df -h\`.`,
    'too-many-runs': `Look what runs: \`vm exec ${name} -- ps\`.`,
    'route-not-found': 'The service may be older than this command: `vm --version`.',
  }
  const next = nextSteps[code]
  if (next !== undefined) return next
  if (status >= 500) return 'Try again soon; the log of the service may say more.'
  return `\`vm ${command} --help\` says how it is used.`
}

function nextStepInState(state: string, command: string, name: string): string {
  if (command === 'start' && state === 'running.up') return `\`vm ssh ${name}\` opens a shell.`
  if (command === 'stop' && state === 'stopped.idle') return `\`vm start ${name}\` starts it again.`
  if (state.startsWith('failed')) return `\`vm show ${name}\` says why, \`vm start ${name}\` tries again.`
  if (state === 'stopped.idle') return `Start it first: \`vm start ${name}\`.`
  return `Wait until it is there: \`vm show ${name}\` says how far it is.`
}

function causeSuffix({ cause }: ApiError): string {
  const rootCause: unknown = cause instanceof Error ? (cause.cause ?? cause) : cause
  const { code } = Object(rootCause)
  return typeof code === 'string' && code !== 'ECONNREFUSED' ? ` (${code})` : ''
}

interface SystemError extends Error {
  readonly code: string
  readonly syscall: string
  readonly path?: string
}

/** Of a file on this machine, say: no bug, and its text says what is wrong. */
function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && typeof Object(error).code === 'string' && typeof Object(error).syscall === 'string'
}

function systemErrorMessage({ code, message, path, syscall }: SystemError): string {
  const messages: Readonly<Record<string, string>> = {
    ENOENT: 'is not there',
    EACCES: 'may not be read or written',
    EISDIR: 'is a directory',
    ENOTDIR: 'is in something that is no directory',
    ENOSPC: 'does not fit: the disk is full',
  }
  const text = messages[code]
  return path !== undefined && text !== undefined ? `${path} ${text}.` : `${message} (${syscall})`
}
