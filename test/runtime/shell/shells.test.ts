import { expect, test } from 'vitest'
import type { ShellSession } from '../../../src/runtime/shell/shell-session.ts'
import type { ShellOpenResult } from '../../../src/runtime/shell/shells.ts'
import { maxShellsPerWorkspace } from '../../../src/runtime/shell/shells.ts'
import type { DetachReason, ShellViewer } from '../../../src/runtime/shell/shell-viewer.ts'
import { fault, ok } from '../../../src/workspace/fault.ts'
import { settle } from '../../supervisor/simulated-clock.ts'
import { alice, bob, openTestRuntime } from '../test-runtime.ts'

const size = { columns: 80, rows: 24 }
const request = { size, argv: null, user: null }
const { signal } = new AbortController()

function sessionOf(result: ShellOpenResult): ShellSession {
  if (result.kind !== 'opened') throw new Error(`not opened: ${result.kind}`)
  return result.session
}

/** A client that reads all output until it stops reading. */
function testViewer() {
  const events: string[] = []
  let text = ''
  let isReading = true
  let [resolveAttached, resolveDetached] = [() => {}, () => {}]
  const attached = new Promise<void>((resolve) => (resolveAttached = resolve))
  const detached = new Promise<void>((resolve) => (resolveDetached = resolve))
  const viewer: ShellViewer = {
    onAttached(_id, resumed) {
      events.push(resumed ? 'resumed' : 'attached')
      resolveAttached()
    },
    write(bytes) {
      text += Buffer.from(bytes).toString()
      return isReading ? undefined : new Promise<void>(() => {})
    },
    onDetached({ kind }: DetachReason) {
      events.push(kind)
      resolveDetached()
    },
  }
  return { viewer, attached, detached, events, text: () => text, stopReading: () => (isReading = false) }
}

test('shells over the limit of a workspace are refused until one has ended', async () => {
  const { shells, id, fake } = openTestRuntime()
  const opened = await Promise.all(
    Array.from({ length: maxShellsPerWorkspace }, () => shells.open(id, alice, request, signal)),
  )
  expect(shells.refusal(id, alice)).toEqual({ kind: 'limit-reached' })
  expect(await shells.open(id, alice, request, signal)).toEqual({ kind: 'limit-reached' })
  const first = opened[0]
  if (!first) throw new Error('no shell was opened')
  sessionOf(first).attach(testViewer().viewer, size)
  fake.processes[0]?.exit()
  await settle()
  expect(shells.refusal(id, alice)).toBeNull()
})

test('a shell without a viewer is hung up after five minutes, and one that ignores that is killed', async () => {
  const { clock, shells, execLog, id, fake } = openTestRuntime()
  await shells.open(id, alice, request, signal)
  fake.latest().endOnlyBy('SIGKILL')
  await clock.advance(5 * 60_000 - 1)
  expect(fake.latest().signals).toEqual([])
  await clock.advance(1)
  expect(fake.latest().signals).toEqual(['SIGHUP'])
  await clock.advance(3000)
  expect(fake.latest().signals).toEqual(['SIGHUP', 'SIGKILL'])
  expect(execLog.all()).toMatchObject([{ kind: 'shell', signal: 'SIGKILL' }])
})

test('a shell that cannot be killed is recorded as lost', async () => {
  const { clock, shells, execLog, id, fake } = openTestRuntime()
  const session = sessionOf(await shells.open(id, alice, request, signal))
  fake.latest().endOnlyBy()
  void session.hangUp()
  await clock.advance(6000)
  expect(fake.latest().isDetached()).toBe(true)
  expect(execLog.all()).toMatchObject([{ error: 'lost' }])
})

test('a second viewer takes a shell over and receives its screen, and the first has no more effect', async () => {
  const { shells, id, fake } = openTestRuntime()
  const session = sessionOf(await shells.open(id, alice, request, signal))
  const [first, second] = [testViewer(), testViewer()]
  const attachment = session.attach(first.viewer, size)
  fake.latest().write('before')
  await settle()
  session.attach(second.viewer, size)
  fake.latest().write('after')
  await second.attached
  await settle()
  attachment.detach(true)
  void attachment.write(Buffer.from('typed'))
  expect([first.events, first.text()]).toEqual([['attached', 'taken-over'], 'before'])
  expect(second.events).toEqual(['resumed'])
  expect(second.text()).toMatch(/before.*after$/s)
  expect([fake.latest().signals, fake.latest().stdin.readableLength]).toEqual([[], 0])
})

test('a viewer that does not read is detached after a minute, and the shell continues', async () => {
  const { clock, shells, id, fake } = openTestRuntime()
  const session = sessionOf(await shells.open(id, alice, request, signal))
  const client = testViewer()
  session.attach(client.viewer, size)
  client.stopReading()
  fake.latest().write('one')
  fake.latest().write('two')
  await clock.advance(59_999)
  expect([client.events, fake.latest().unread()]).toEqual([['attached'], 1])
  await clock.advance(1)
  expect([client.events, fake.latest().unread()]).toEqual([['attached', 'stalled'], 0])
  expect(session.hasEnded()).toBe(false)
})

test('a shell that ended without a viewer reports its end to the viewer that returns, and is then forgotten', async () => {
  const { clock, shells, id, fake } = openTestRuntime()
  const session = sessionOf(await shells.open(id, alice, request, signal))
  session.attach(testViewer().viewer, size).detach(false)
  fake.latest().exit({ kind: 'exited', code: 3 })
  await settle()
  expect(shells.find(id, alice, session.id)).toMatchObject({ kind: 'found' })
  const returning = testViewer()
  session.attach(returning.viewer, size)
  await returning.detached
  expect(returning.events).toEqual(['resumed', 'ended'])
  expect(shells.find(id, alice, session.id)).toEqual({ kind: 'shell-not-found' })
  expect(clock.pending).toBe(0)
})

test('an ended shell that no viewer returns to is forgotten after five minutes', async () => {
  const { clock, shells, id, fake } = openTestRuntime()
  const session = sessionOf(await shells.open(id, alice, request, signal))
  session.attach(testViewer().viewer, size).detach(false)
  fake.latest().exit()
  await clock.advance(5 * 60_000)
  expect(shells.find(id, alice, session.id)).toEqual({ kind: 'shell-not-found' })
  expect(clock.pending).toBe(0)
})

test('a stop or delete of the workspace is reported as the reason why its shells ended', async () => {
  for (const [state, message] of [
    ['running.stopping', 'The workspace was stopped.'],
    ['deleted', 'The workspace was deleted.'],
  ] as const) {
    const { shells, id, fake, setState } = openTestRuntime()
    const session = sessionOf(await shells.open(id, alice, request, signal))
    const reasons: DetachReason[] = []
    session.attach({ ...testViewer().viewer, onDetached: (reason) => void reasons.push(reason) }, size)
    setState(state)
    fake.latest().exit({ kind: 'killed', signal: 'SIGKILL' })
    await settle()
    expect(reasons).toEqual([{ kind: 'ended', exit: { kind: 'lost', message } }])
  }
})

test('a shutdown hangs shells up, notifies their viewers, and leaves no timer behind', async () => {
  const { clock, closeSessions, shells, id, fake } = openTestRuntime()
  const session = sessionOf(await shells.open(id, alice, request, signal))
  const client = testViewer()
  session.attach(client.viewer, size)
  await shells.open(id, alice, request, signal)
  await closeSessions()
  expect(client.events).toEqual(['attached', 'shutdown'])
  expect(fake.processes.map(({ signals }) => signals)).toEqual([['SIGHUP'], ['SIGHUP']])
  expect(await shells.open(id, alice, request, signal)).toEqual({ kind: 'shutting-down' })
  expect(clock.pending).toBe(0)
})

test('a shell whose client disconnected while it started is hung up', async () => {
  const { shells, id, fake } = openTestRuntime()
  const disconnected = new AbortController()
  const opened = shells.open(id, alice, request, disconnected.signal)
  disconnected.abort()
  await opened
  await settle()
  expect(fake.latest().signals).toEqual(['SIGHUP'])
})

test('shells of a crashed service are killed once their workspace can be reached, and recorded as lost', async () => {
  const { clock, execLog, id, fake, killLeftoverShells, setState, reopen, shells } = openTestRuntime()
  await killLeftoverShells()
  await shells.open(id, alice, request, signal)
  const { tag } = fake.latest().command
  const next = reopen()
  setState('running.stopping')
  const killed = next.killLeftoverShells()
  await clock.advance(30_000)
  expect(fake.killedTags).toEqual([])
  setState('running.up')
  fake.answerKillLeftover(async () => fault('unavailable', 'the engine is down'))
  await clock.advance(30_000)
  expect(fake.killedTags).toEqual([tag])
  fake.answerKillLeftover(async () => ok(undefined))
  await clock.advance(30_000)
  await killed
  expect(execLog.all()).toMatchObject([{ error: 'lost' }])
  next.close()
})

test('a workspace that is not running refuses shells, and the workspace of another user does not exist', async () => {
  const { shells, id, setState } = openTestRuntime()
  expect(await shells.open(id, bob, request, signal)).toEqual({ kind: 'not-found' })
  expect(shells.find(id, bob, 'any')).toEqual({ kind: 'not-found' })
  setState('stopped.idle')
  expect(shells.refusal(id, alice)).toEqual({ kind: 'not-running', state: 'stopped.idle' })
  expect(await shells.open(id, alice, request, signal)).toEqual({ kind: 'not-running', state: 'stopped.idle' })
  expect(shells.find(id, alice, 'any')).toEqual({ kind: 'not-running', state: 'stopped.idle' })
})
