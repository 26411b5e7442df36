import { PassThrough, Readable } from 'node:stream'
import { expect, test } from 'vitest'
import type { ExecRequest, ExecStartResult } from '../../../src/runtime/exec/execs.ts'
import { maxExecsPerWorkspace } from '../../../src/runtime/exec/execs.ts'
import { maxEndedExecsPerWorkspace } from '../../../src/runtime/exec/ended-execs.ts'
import type { ExecSession } from '../../../src/runtime/exec/exec-session.ts'
import type { OutputReader } from '../../../src/runtime/exec/output-readers.ts'
import { fault, ok } from '../../../src/workspace/fault.ts'
import { settle } from '../../supervisor/simulated-clock.ts'
import { alice, bob, fakeProcess, openTestRuntime } from '../test-runtime.ts'

const request: ExecRequest = {
  execId: null,
  command: 'true',
  env: {},
  cwd: null,
  user: null,
  input: null,
  timeoutMs: null,
}

function sessionOf(result: ExecStartResult): ExecSession {
  if (result.kind !== 'active') throw new Error(`not active: ${result.kind}`)
  return result.session
}

function attach(session: ExecSession): OutputReader {
  const result = session.attach({ after: null, follow: true }, () => {})
  if (result.kind !== 'attached') throw new Error(result.kind)
  return result.reader
}

function readAll(reader: OutputReader): unknown[] {
  const line = reader.read()
  return line === undefined ? [] : [JSON.parse(line), ...readAll(reader)]
}

test('commands over the limit of a workspace are refused until another has ended, even while those are still starting', async () => {
  const { execs, id, fake } = openTestRuntime()
  const starts = Array.from({ length: maxExecsPerWorkspace }, () => execs.start(id, alice, request))
  expect(await execs.start(id, alice, request)).toEqual({ kind: 'limit-reached' })
  await Promise.all(starts)
  expect(await execs.start(id, alice, request)).toEqual({ kind: 'limit-reached' })
  fake.latest().exit()
  await settle()
  expect((await execs.start(id, alice, request)).kind).toBe('active')
})

test('concurrent requests with the same id start one process, and a different command with that id is a conflict', async () => {
  const { execs, id, fake } = openTestRuntime()
  const named = { ...request, execId: 'one' }
  const [first, second, other] = await Promise.all([
    execs.start(id, alice, named),
    execs.start(id, alice, named),
    execs.start(id, alice, { ...named, command: 'false' }),
  ])
  expect(sessionOf(first)).toBe(sessionOf(second))
  expect(other).toEqual({ kind: 'id-conflict' })
  expect(fake.processes).toHaveLength(1)
})

test('a command whose start cannot be written is not run', async () => {
  const { execs, execLog, id, fake } = openTestRuntime()
  execLog.failWrites(new Error('the disk is full'))
  expect(await execs.start(id, alice, request)).toMatchObject({ kind: 'write-failed' })
  execLog.failWrites(null)
  expect(fake.processes).toHaveLength(0)
})

test('an end that cannot be written is retried five seconds later', async () => {
  const { clock, execs, execLog, id, fake } = openTestRuntime()
  await execs.start(id, alice, request)
  execLog.failWrites(new Error('the disk is full'))
  fake.latest().exit()
  await clock.advance(4999)
  execLog.failWrites(null)
  expect(execLog.all()[0]?.endedAt).toBeNull()
  await clock.advance(1)
  expect(execLog.all()[0]).toMatchObject({ exitCode: 0 })
})

test('a permanent start failure frees the id, and a start with an unknown outcome is recorded as lost', async () => {
  const { execs, execLog, id, fake } = openTestRuntime()
  fake.answerNextExec(Promise.resolve(fault('permanent', 'no such user')))
  const named = { ...request, execId: 'one' }
  expect(await execs.start(id, alice, named)).toMatchObject({ kind: 'fault', fault: { kind: 'permanent' } })
  expect(execLog.all()).toEqual([])
  fake.answerNextExec(Promise.resolve(fault('transient', 'no answer')))
  expect(await execs.start(id, alice, named)).toMatchObject({ kind: 'fault', fault: { kind: 'transient' } })
  await settle()
  expect(await execs.start(id, alice, named)).toMatchObject({ kind: 'ended', isLost: true })
})

test('a command is killed at its timeout, and not before', async () => {
  const { clock, execs, id, fake } = openTestRuntime()
  const reader = attach(sessionOf(await execs.start(id, alice, { ...request, timeoutMs: 1000 })))
  await clock.advance(999)
  expect(fake.latest().signals).toEqual([])
  await clock.advance(1)
  expect(fake.latest().signals).toEqual(['SIGKILL'])
  expect(readAll(reader)).toEqual([{ seq: 1, error: 'timeout', duration_ms: 1000 }])
})

test('the output of an ended command is retained for an hour, then only its end is known', async () => {
  const { clock, execs, id, fake } = openTestRuntime()
  await execs.start(id, alice, { ...request, execId: 'one' })
  fake.latest().write('hello\n')
  fake.latest().exit()
  await clock.advance(60 * 60_000 - 1)
  expect((await execs.find(id, alice, 'one')).kind).toBe('active')
  await clock.advance(1)
  const found = await execs.find(id, alice, 'one')
  if (found.kind !== 'ended') throw new Error(found.kind)
  expect(JSON.parse(String(found.endLine(null)))).toMatchObject({ seq: 1, exit_code: 0 })
  expect(found.endLine(1)).toBeNull()
  expect(clock.pending).toBe(0)
})

test('the oldest of many ended commands in a workspace is forgotten first', async () => {
  const { execs, id, fake } = openTestRuntime()
  for (let count = 0; count <= maxEndedExecsPerWorkspace; count += 1) {
    await execs.start(id, alice, { ...request, execId: `n${count}` })
    fake.latest().exit()
    await settle()
  }
  expect((await execs.find(id, alice, 'n0')).kind).toBe('ended')
  expect((await execs.find(id, alice, 'n1')).kind).toBe('active')
})

test('a reader that does not read blocks a command for a minute, then learns how much it missed', async () => {
  const { clock, execs, id, fake } = openTestRuntime({ exec: { limits: { maxBytes: 10 } } })
  const session = sessionOf(await execs.start(id, alice, request))
  const [stalled, quick] = [attach(session), attach(session)]
  for (let count = 0; count < 5; count += 1) fake.latest().write('12345678', count % 2 === 0 ? 'stdout' : 'stderr')
  for (let elapsed = 0; elapsed < 59_000; elapsed += 1000) {
    readAll(quick)
    await clock.advance(1000)
  }
  expect(fake.latest().unread()).toBe(3)
  await clock.advance(1000)
  for (let turn = 0; turn < 3; turn += 1) {
    readAll(quick)
    await settle()
  }
  expect(fake.latest().unread()).toBe(0)
  fake.latest().exit()
  await settle()
  expect(readAll(stalled)).toMatchObject([
    { seq: 4, dropped_bytes: 32 },
    { seq: 5, data: '12345678' },
    { exit_code: 0 },
  ])
})

test('truncated input kills the command, and a second input is refused', async () => {
  const { execs, id, fake } = openTestRuntime()
  const session = sessionOf(await execs.start(id, alice, { ...request, input: 'stream' }))
  const source = new PassThrough()
  const piped = session.pipeStdin(source)
  expect(await session.pipeStdin(Readable.from(['x']))).toBe('closed')
  source.destroy()
  expect(await piped).toBe('truncated')
  expect(fake.latest().signals).toEqual(['SIGKILL'])
})

test('a shutdown detaches commands, kills those that wait for input, and refuses new ones', async () => {
  const { clock, closeSessions, execs, id, fake } = openTestRuntime()
  await execs.start(id, alice, { ...request, timeoutMs: 1000 })
  await execs.start(id, alice, { ...request, input: 'stream' })
  await closeSessions()
  expect(fake.processes.map(({ signals }) => signals)).toEqual([[], ['SIGKILL']])
  expect(fake.processes.map(({ isDetached }) => isDetached())).toEqual([true, true])
  expect(await execs.start(id, alice, request)).toEqual({ kind: 'shutting-down' })
  expect(clock.pending).toBe(0)
})

test('a command that is being started during a shutdown is detached once it has started', async () => {
  const { closeSessions, execs, id, fake } = openTestRuntime()
  const late = fakeProcess({
    tag: 'late',
    argv: ['true'],
    env: {},
    cwd: null,
    user: null,
    stdin: false,
    terminal: null,
  })
  let answer = () => {}
  fake.answerNextExec(new Promise((resolve) => (answer = () => resolve(ok(late.guestProcess)))))
  const started = execs.start(id, alice, request)
  await settle()
  await closeSessions()
  answer()
  expect(await started).toEqual({ kind: 'shutting-down' })
  expect(late.isDetached()).toBe(true)
})

test('a start that the guest does not answer is aborted after 30 seconds', async () => {
  const { clock, execs, id, fake } = openTestRuntime()
  const aborted = new Promise<void>((resolve) => {
    const { exec } = fake.guest
    fake.guest.exec = (_workspace, _command, signal) => {
      fake.guest.exec = exec
      return new Promise((answer) =>
        signal.addEventListener('abort', () => {
          resolve()
          answer(fault('transient', 'aborted'))
        }),
      )
    }
  })
  const started = execs.start(id, alice, request)
  await clock.advance(29_999)
  expect(fake.processes).toHaveLength(0)
  await clock.advance(1)
  await aborted
  expect(await started).toMatchObject({ kind: 'fault' })
})

test('a command that a crashed service left is recorded as lost by the next service, and a kill ends its leftover processes', async () => {
  const { execs, id, fake, reopen } = openTestRuntime()
  await execs.start(id, alice, { ...request, execId: 'one' })
  const next = reopen()
  await settle()
  expect(await next.execs.find(id, alice, 'one')).toMatchObject({ kind: 'ended', isLost: true })
  expect(await next.execs.kill(id, alice, 'one', 'SIGTERM')).toEqual({ kind: 'leftover-killed' })
  expect(fake.killedTags).toEqual([fake.latest().command.tag])
  next.close()
})

test('a workspace that is not running refuses commands, and the workspace of another user does not exist', async () => {
  const { execs, id, setState } = openTestRuntime()
  expect(await execs.start(id, bob, request)).toEqual({ kind: 'not-found' })
  expect(execs.list(id, bob, 10)).toEqual({ kind: 'not-found' })
  expect(await execs.kill(id, bob, 'one', 'SIGTERM')).toEqual({ kind: 'not-found' })
  setState('stopped.idle')
  expect(await execs.start(id, alice, request)).toEqual({ kind: 'not-running', state: 'stopped.idle' })
  expect(execs.list(id, alice, 10)).toEqual({ kind: 'found', execs: [] })
})
