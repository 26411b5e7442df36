import { expect, test } from 'vitest'
import type { TransitionEvent } from '../../src/wire/event.ts'
import type { Workspace } from '../../src/wire/workspace.ts'
import type { Evidence, JournalLine, WorkspaceRow } from './evidence.ts'
import type { ObservedResponse } from './observed-response.ts'
import { violations } from './violations.ts'

// What the crash matrix would not notice, it would not prove: each of these is a bug that it has to see.

const at = 1_000_000
const workspaceIn = (state: string, more: Partial<Workspace> = {}): Workspace => ({
  id: 'w1',
  name: 'a',
  owner: 'ann',
  template: 'base',
  provider: 'docker',
  status: 'running',
  state,
  ready: false,
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
const gone: Evidence = {
  ...validEvidence,
  responses: [create, command('delete', {})],
  journal: deleted,
  rows: [],
  containers: [],
}

test.each([
  ['a workspace that runs', validEvidence],
  ['one that the feed told of', { ...validEvidence, events: [eventOf(1), eventOf(2), eventOf(3)] }],
  ['one that was deleted', gone],
  [
    'one that expired',
    {
      ...gone,
      responses: [create],
      journal: [
        ...lines,
        line(4, 'expire', 'running.up', 'deleting.destroying', { by: 'system:expiry' }),
        line(5, 'remove.done', 'deleting.destroying', 'deleted'),
      ],
    },
  ],
  ['a delete whose answer was lost', { ...gone, responses: [create, command('delete', { status: 0 })] }],
])('nothing is wrong with %s', (_name, evidence) => {
  expect(violations(evidence)).toEqual([])
})

test.each<[name: string, evidence: Partial<Evidence>, complaint: RegExp]>([
  ['a damaged file', { integrity: 'row 7 missing from index' }, /damaged/],
  ['a create that is lost', { journal: [], rows: [], containers: [] }, /acknowledged and is not in the journal/],
  ['a workspace that went without being asked to', { ...gone, responses: [create] }, /nobody asked for/],
  [
    'a delete that is lost',
    { responses: [create, command('delete', {})] },
    /delete of w1 was acknowledged and is not in the journal/,
  ],
  [
    'a workspace that is shown after its delete',
    {
      ...gone,
      responses: [...gone.responses, command('get', { sentAt: at + 30, workspaces: [workspaceIn('running.up')] })],
    },
    /shown after its delete/,
  ],
  ['a second container', { containers: [container, { ...container, id: 'c2' }] }, /has 2 containers/],
  ['a workspace that runs without a container', { containers: [] }, /its containers are \[\]/],
  [
    'a workspace that runs in another container than it says',
    { containers: [{ ...container, id: 'c9' }] },
    /its containers are/,
  ],
  ['a container that is left over', { ...gone, containers: [container] }, /container c1 is left of w1, which is gone/],
  [
    'a container of which nobody heard',
    { containers: [container, { ...container, id: 'c2', workspace: 'w2' }] },
    /of which nobody heard/,
  ],
  ['a journal with a hole', { journal: lines.filter(({ seq }) => seq !== 2) }, /has line 3 where line 2 is due/],
  [
    'a journal that skips a state',
    { journal: [...lines.slice(0, 2), line(3, 'setup.done', 'creating.boot', 'running.up')] },
    /begins in creating.boot/,
  ],
  [
    'a revision that comes twice',
    { journal: [...lines.slice(0, 2), line(3, 'setup.done', 'creating.image', 'running.up', { revision: 2 })] },
    /repeats revision 2/,
  ],
  [
    'a row that is not where its journal is',
    { rows: [{ ...row, state: 'stopped.idle' }] },
    /row of w1 is in stopped.idle/,
  ],
  ['a row without a history', { rows: [row, { ...row, id: 'w2' }] }, /w2 has a row and no history/],
  ['a TTL that moved', { rows: [{ ...row, expiresAt: at + 99_999 }] }, /was told null/],
  ['one that lives past its TTL', { rows: [{ ...row, expiresAt: at }], now: at + 60_000 }, /lives past its TTL/],
  ['a failure without a reason', { rows: [{ ...row, status: 'failed', state: 'failed' }] }, /failed without a reason/],
  [
    'an idempotency key that made two',
    { responses: [create, { ...create, workspaces: [workspaceIn('creating.queued', { id: 'w2' })] }] },
    /the idempotency key k made two/,
  ],
  [
    'a repeated create that is refused',
    { responses: [create, { ...create, status: 409, workspaces: [] }] },
    /repeated by ann under its key, and refused/,
  ],
  [
    'a workspace that nobody asked for',
    { journal: [...lines, line(4, 'create', null, 'creating.queued', { workspace: 'w2', by: 'user:ann' })] },
    /made 1 workspaces, 0 without an answer, and the journal has 2/,
  ],
  [
    'a command that is lost',
    { responses: [create, command('stop', { workspaces: [workspaceIn('running.up')] })] },
    /stop of w1 was acknowledged to ann and is not in the journal/,
  ],
  [
    'a command that was done twice',
    { journal: [...lines, line(4, 'stop', 'running.up', 'running.up', { by: 'user:ann' })] },
    /stop was given 0 times and is in the journal 1 times/,
  ],
  [
    'an answer that is not so',
    { responses: [create, command('get', { workspaces: [workspaceIn('stopped.idle')] })] },
    /which its journal does not know/,
  ],
  [
    'an answer from before another',
    {
      responses: [
        create,
        command('get', { workspaces: [workspaceIn('running.up')] }),
        command('get', { workspaces: [workspaceIn('creating.image')] }),
      ],
    },
    /after it had left that state before/,
  ],
  [
    'an event that comes twice',
    { events: [eventOf(1), eventOf(2), eventOf(2)] },
    /told of line 2 where line 3 was due/,
  ],
  ['an event that is left out', { events: [eventOf(1), eventOf(3)] }, /told of line 3 where line 2 was due/],
  ['an event that is not on disk', { events: [eventOf(1), eventOf(2), eventOf(3), eventOf(4)] }, /told of line 4/],
  ['an event that is not so', { events: [eventOf(1, 'stop')] }, /told of line 1 as stop/],
  [
    'a container that ended unasked',
    {
      journal: [...lines, line(4, 'exited', 'running.up', 'stopped.idle')],
      rows: [{ ...row, status: 'stopped', state: 'stopped.idle' }],
      containers: [{ ...container, running: false }],
    },
    /exited, and nobody had asked for it/,
  ],
])('%s is noticed', (_name, broken, violation) => {
  expect(violations({ ...validEvidence, ...broken }).join('\n')).toMatch(violation)
})
