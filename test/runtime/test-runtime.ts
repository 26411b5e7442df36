import { PassThrough } from 'node:stream'
import { onTestFinished } from 'vitest'
import type { ExecChange, ExecLog, ExecRecord, NewExecRecord } from '../../src/persistence/exec-log.ts'
import type { Guest, GuestProcess } from '../../src/provider/guest.ts'
import type { ResolvedWorkspace } from '../../src/runtime/resolve-workspace.ts'
import type { RuntimeDeps } from '../../src/runtime/runtime.ts'
import { openRuntime } from '../../src/runtime/runtime.ts'
import type { Caller } from '../../src/workspace/caller.ts'
import type { Outcome } from '../../src/workspace/fault.ts'
import { ok } from '../../src/workspace/fault.ts'
import type { GuestCommand, OutputChunk, ProcessExit } from '../../src/workspace/guest-process.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import { newWorkspaceId, parseOwner } from '../../src/workspace/id.ts'
import { fullSpec } from '../golden/full-spec.ts'
import { unsupportedGuest } from '../provider/fake/unsupported-guest.ts'
import { silentLog } from '../silent-log.ts'
import { simulatedClock } from '../supervisor/simulated-clock.ts'

export const alice = callerNamed('alice')
export const bob = callerNamed('bob')

/** A runtime on a simulated clock. The test controls its guest, its database and the supervisor's responses. */
export function openTestRuntime(options: Pick<RuntimeDeps, 'exec' | 'shellTimeouts'> = {}) {
  const clock = simulatedClock()
  const fake = fakeGuest()
  const execLog = memoryExecLog()
  const id = newWorkspaceId()
  const workspace = {
    id,
    owner: alice.owner,
    name: 'one',
    template: 'base',
    spec: fullSpec,
    imageId: null,
    containerId: 'container',
    prepared: true,
  }
  let state: 'running.up' | 'running.stopping' | 'stopped.idle' | 'deleted' = 'running.up'

  function resolveWorkspace(workspaceId: WorkspaceId, caller: Caller): ResolvedWorkspace {
    if (workspaceId !== id || caller.owner !== alice.owner || state === 'deleted') return { kind: 'not-found' }
    const ready = state === 'running.up'
    return { kind: 'found', state, ready, settled: state !== 'running.stopping', workspace, guest: fake.guest }
  }

  const open = () =>
    openRuntime({
      resolveWorkspace,
      lifecycleOutput: { after: () => [], subscribe: () => () => {} },
      subscribe: () => ({ kind: 'not-found' }),
      execLog,
      clock,
      log: silentLog,
      ...options,
    })
  const runtime = open()
  onTestFinished(async () => {
    const closed = runtime.closeSessions()
    await clock.advance(60_000)
    await closed
    runtime.close()
  })
  return {
    ...runtime,
    clock,
    execLog,
    id,
    fake,
    /** Opens the runtime of the next service on the same database. */
    reopen: open,
    setState: (newState: typeof state) => (state = newState),
  }
}

export type FakeProcess = ReturnType<typeof fakeProcess>

/** A guest in which nothing runs: the test writes the output of each process, and ends it. */
function fakeGuest() {
  const processes: FakeProcess[] = []
  const killedTags: string[] = []
  let nextOutcome: Promise<Outcome<GuestProcess>> | undefined
  let onKillLeftover = async (): Promise<Outcome<void>> => ok(undefined)
  const guest: Guest = {
    ...unsupportedGuest,
    async exec(_workspace, command) {
      const outcome = nextOutcome
      nextOutcome = undefined
      if (outcome) return outcome
      const started = fakeProcess(command)
      processes.push(started)
      return ok(started.guestProcess)
    },
    async killLeftover(_workspace, tag) {
      killedTags.push(tag)
      return onKillLeftover()
    },
  }
  return {
    guest,
    processes,
    killedTags,
    /** The process that was started last. */
    latest(): FakeProcess {
      const last = processes.at(-1)
      if (!last) throw new Error('no process was started')
      return last
    },
    /** Answers the next exec with this outcome instead of a process. */
    answerNextExec(outcome: Promise<Outcome<GuestProcess>>) {
      nextOutcome = outcome
    },
    answerKillLeftover: (answer: typeof onKillLeftover) => (onKillLeftover = answer),
  }
}

export function fakeProcess(command: GuestCommand) {
  const chunks: OutputChunk[] = []
  const signals: string[] = []
  const stdin = new PassThrough({ highWaterMark: 8 })
  let wake = () => {}
  let ended = false
  let detached = false
  let endedBy: readonly string[] = ['SIGKILL', 'SIGHUP', 'SIGTERM']
  let resolveExit: (exit: ProcessExit) => void = () => {}
  const exited = new Promise<ProcessExit>((resolve) => (resolveExit = resolve))

  function exit(processExit: ProcessExit = { kind: 'exited', code: 0 }) {
    ended = true
    resolveExit(processExit)
    wake()
  }

  async function* output(): AsyncGenerator<OutputChunk, void, undefined> {
    for (;;) {
      const chunk = chunks.shift()
      if (chunk) yield chunk
      else if (ended || detached) return
      else await new Promise<void>((resolve) => (wake = resolve))
    }
  }

  const guestProcess: GuestProcess = {
    output: output(),
    stdin: command.stdin ? stdin : null,
    exited,
    resize: async () => {},
    async signal(signal) {
      signals.push(signal)
      if (!ended && endedBy.includes(signal)) exit({ kind: 'killed', signal })
      return ok(undefined)
    },
    detach() {
      detached = true
      wake()
    },
  }
  return {
    guestProcess,
    command,
    signals,
    stdin,
    exit,
    isDetached: () => detached,
    /** How many chunks were written and not read. */
    unread: () => chunks.length,
    /** Makes the process ignore all other signals. */
    endOnlyBy: (...names: readonly string[]) => (endedBy = names),
    write(text: string, stream: OutputChunk['stream'] = 'stdout') {
      chunks.push({ stream, bytes: Buffer.from(text) })
      wake()
    },
  }
}

/** The record of sessions in memory, with writes that can fail. */
function memoryExecLog() {
  const records = new Map<string, ExecRecord>()
  let failure: Error | null = null
  const unset = { endedAt: null, exitCode: null, signal: null, error: null }

  function apply(change: ExecChange) {
    const { workspace, execId } = change.kind === 'started' ? change.exec : change
    const key = `${workspace} ${execId}`
    const record = records.get(key)
    if (change.kind === 'started') records.set(key, { ...change.exec, ...unset })
    else if (change.kind === 'discarded') records.delete(key)
    else if (record?.endedAt === null) records.set(key, { ...record, ...change.ending })
  }

  const all = () => [...records.values()]
  const log: ExecLog = {
    write(changes) {
      if (failure) throw failure
      changes.forEach(apply)
    },
    find: (workspace, execId) => records.get(`${workspace} ${execId}`),
    recent: (workspace, limit) =>
      all()
        .filter((record) => record.workspace === workspace && record.kind === 'exec')
        .toReversed()
        .slice(0, limit),
    unfinished: (kind) => all().filter((record) => record.kind === kind && record.endedAt === null),
    lastActive: () => new Map(),
    prune: () => 0,
  }
  return {
    ...log,
    all,
    /** A session that an earlier service started. */
    add: (record: NewExecRecord) => apply({ kind: 'started', exec: record }),
    failWrites: (error: Error | null) => (failure = error),
  }
}

function callerNamed(name: string): Caller {
  const owner = parseOwner(name)
  if (!owner) throw new Error(`${name} is not a user name`)
  return { owner, operator: false }
}
