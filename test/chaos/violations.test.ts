import { expect, test } from 'vitest'
import type { TransitionEvent } from '../../src/wire/event.ts'
import type { Workspace } from '../../src/wire/workspace.ts'
import type { Evidence, JournalLine, WorkspaceRow } from './evidence.ts'
import type { ObservedResponse } from './observed-response.ts'
import { violations } from './violations.ts'

// The crash matrix proves only what its checks detect: each of these bugs must be reported.

const at = 1_000_000
const workspaceIn = (state: string, more: Partial<Workspace> = {}): Workspace => ({
  id: 'w1',
  name: 'a',
  owner: 'ann',
  template: 'base',
  provider: 'docker',
  status: 'running',
  state,
  ready: true,
  settled: true,
  can: [],
  created_at: '',
  updated_at: '',
  ...more,
})

const line = (
  seq: number,
  event: string,
  from: string | null,
  to: string,
  more: Partial<JournalLine> = {},
): JournalLine => ({
  seq,
  workspace: 'w1',
  at: at + seq,
  event,
  from,
  to,
  by: 'engine',
  revision: seq,
  ...more,
})

const row: WorkspaceRow = {
  id: 'w1',
  owner: 'ann',
  name: 'a',
  status: 'running',
  expiresAt: null,
  revision: 3,
  state: 'running.up',
  containerId: 'c1',
  reason: null,
}

const create: ObservedResponse = {
  user: 'ann',
  request: { verb: 'create', name: 'a', key: 'k', ttlSeconds: null, template: 'base' },
  sentAt: at,
  receivedAt: at + 3,
  status: 200,
  workspaces: [workspaceIn('creating.queued')],
}
const command = (verb: 'stop' | 'delete' | 'get', responseTo: Partial<ObservedResponse>): ObservedResponse => ({
  ...create,
  request: { verb, id: 'w1' },
  sentAt: at + 10,
  receivedAt: at + 20,
  workspaces: [],
  ...responseTo,
})

const eventOf = (seq: number, event?: string): TransitionEvent => {
  const { from, to, by, ...rest } = lines[seq - 1] ?? line(seq, 'none', null, 'none')
  return { seq, at: '', event: event ?? rest.event, from, to, by, workspace: 'w1', owner: 'ann' }
}

const lines = [
  line(1, 'create', null, 'creating.queued', { by: 'user:ann' }),
  line(2, 'granted', 'creating.queued', 'creating.image'),
  line(3, 'setup.done', 'creating.image', 'running.up'),
]
const deleted = [
  ...lines,
  line(4, 'delete', 'running.up', 'deleting.destroying', { by: 'user:ann', at: at + 15 }),
  line(5, 'remove.done', 'deleting.destroying', 'deleted', { at: at + 16 }),
]
const container = { id: 'c1', workspace: 'w1', running: true }
const validEvidence: Evidence = {
  responses: [create],
  events: [],
  journal: lines,
  rows: [row],
  containers: [container],
  manuallyChanged: new Set(),
  integrity: 'ok',
  now: at + 1000,
}
const deletedEvidence: Evidence = {
  ...validEvidence,
  responses: [create, command('delete', {})],
  journal: deleted,
  rows: [],
  containers: [],
}

test.each([
  ['a running workspace', validEvidence],
  ['a workspace whose events were delivered', { ...validEvidence, events: [eventOf(1), eventOf(2), eventOf(3)] }],
  ['a deleted workspace', deletedEvidence],
  [
    'an expired workspace',
    {
      ...deletedEvidence,
      responses: [create],
      journal: [
        ...lines,
        line(4, 'expire', 'running.up', 'deleting.destroying', { by: 'system:expiry' }),
        line(5, 'remove.done', 'deleting.destroying', 'deleted'),
      ],
    },
  ],
  ['a delete whose response was lost', { ...deletedEvidence, responses: [create, command('delete', { status: 0 })] }],
])('%s has no violations', (_name, evidence) => {
  expect(violations(evidence)).toEqual([])
})

test.each<[name: string, evidence: Partial<Evidence>, violation: RegExp]>([
  ['a damaged file', { integrity: 'row 7 missing from index' }, /damaged/],
  ['a lost create', { journal: [], rows: [], containers: [] }, /acknowledged but is not in the journal/],
  ['a workspace that was removed without a request', { ...deletedEvidence, responses: [create] }, /never requested/],
  [
    'a lost delete',
    { responses: [create, command('delete', {})] },
    /delete of w1 was acknowledged but is not in the journal/,
  ],
  [
    'a workspace that is shown after its delete',
    {
      ...deletedEvidence,
      responses: [
        ...deletedEvidence.responses,
        command('get', { sentAt: at + 30, workspaces: [workspaceIn('running.up')] }),
      ],
    },
    /shown after its delete/,
  ],
  ['a second container', { containers: [container, { ...container, id: 'c2' }] }, /has 2 containers/],
  ['a workspace that runs without a container', { containers: [] }, /its containers are \[\]/],
  [
    'a workspace that runs in a container other than its own',
    { containers: [{ ...container, id: 'c9' }] },
    /its containers are/,
  ],
  [
    'the container of a deleted workspace',
    { ...deletedEvidence, containers: [container] },
    /container c1 belongs to w1, which was deleted/,
  ],
  [
    'a container of an unknown workspace',
    { containers: [container, { ...container, id: 'c2', workspace: 'w2' }] },
    /which never existed/,
  ],
  ['a journal with a gap', { journal: lines.filter(({ seq }) => seq !== 2) }, /has line 3 instead of line 2/],
  [
    'a journal that skips a state',
    { journal: [...lines.slice(0, 2), line(3, 'setup.done', 'creating.boot', 'running.up')] },
    /starts in creating.boot/,
  ],
  [
    'a repeated revision',
    { journal: [...lines.slice(0, 2), line(3, 'setup.done', 'creating.image', 'running.up', { revision: 2 })] },
    /repeats revision 2/,
  ],
  [
    'a row whose state is not that of its journal',
    { rows: [{ ...row, state: 'stopped.idle' }] },
    /row of w1 is in stopped.idle/,
  ],
  ['a row without a history', { rows: [row, { ...row, id: 'w2' }] }, /w2 has a row but no history/],
  ['a changed expiry', { rows: [{ ...row, expiresAt: at + 99_999 }] }, /saw null/],
  [
    'a workspace that exists after its TTL',
    { rows: [{ ...row, expiresAt: at }], now: at + 60_000 },
    /exists after its TTL/,
  ],
  ['a failure without a reason', { rows: [{ ...row, status: 'failed', state: 'failed' }] }, /failed without a reason/],
  [
    'an idempotency key with two workspaces',
    { responses: [create, { ...create, workspaces: [workspaceIn('creating.queued', { id: 'w2' })] }] },
    /the idempotency key k created two/,
  ],
  [
    'a refused retry of a create',
    { responses: [create, { ...create, status: 409, workspaces: [] }] },
    /retried by ann with its key, but refused/,
  ],
  [
    'a workspace that was never requested',
    { journal: [...lines, line(4, 'create', null, 'creating.queued', { workspace: 'w2', by: 'user:ann' })] },
    /created 1 workspaces and 0 without a response, but the journal has 2/,
  ],
  [
    'a lost command',
    { responses: [create, command('stop', { workspaces: [workspaceIn('running.up')] })] },
    /stop of w1 was acknowledged to ann but is not in the journal/,
  ],
  [
    'a command that was executed twice',
    { journal: [...lines, line(4, 'stop', 'running.up', 'running.up', { by: 'user:ann' })] },
    /stop was sent 0 times but is in the journal 1 times/,
  ],
  [
    'a false response',
    { responses: [create, command('get', { workspaces: [workspaceIn('stopped.idle')] })] },
    /which is not in its journal/,
  ],
  [
    'a response that is older than the one before',
    {
      responses: [
        create,
        command('get', { workspaces: [workspaceIn('running.up')] }),
        command('get', { workspaces: [workspaceIn('creating.image')] }),
      ],
    },
    /after a later state/,
  ],
  ['a repeated event', { events: [eventOf(1), eventOf(2), eventOf(2)] }, /delivered line 2 instead of line 3/],
  ['a missing event', { events: [eventOf(1), eventOf(3)] }, /delivered line 3 instead of line 2/],
  ['an event that was not committed', { events: [eventOf(1), eventOf(2), eventOf(3), eventOf(4)] }, /delivered line 4/],
  ['a false event', { events: [eventOf(1, 'stop')] }, /delivered line 1 as stop/],
  [
    'a container that exited without a request',
    {
      journal: [...lines, line(4, 'exited', 'running.up', 'stopped.idle')],
      rows: [{ ...row, status: 'stopped', state: 'stopped.idle' }],
      containers: [{ ...container, running: false }],
    },
    /exited, which was never requested/,
  ],
])('%s is reported', (_name, changes, violation) => {
  expect(violations({ ...validEvidence, ...changes }).join('\n')).toMatch(violation)
})
