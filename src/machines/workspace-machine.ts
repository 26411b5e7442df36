// The life of one workspace. Chart: docs/statecharts/workspace.md.
//   M1. Actions only assign. Every effect is an invoked actor, so a restored snapshot knows what was under way.
//   M2. No `after`. A wait is an `alarm` actor; its absolute deadline is in the context, and `resume` arms what is left.
//   M3. Every invoke names its id: journal, charts and tests speak of it.
//   M4. No entry actions: `resume` re-enters, and would run them again.
//   M5. No clock: commands and effects' answers carry `at`.
import { newWorkspace } from './workspace-context.ts'
import * as piece from './workspace-piece.ts'
import { workspaceSetup } from './workspace-setup.ts'

const { answer, begin, beginHalt, container, exit, halting, settingUp, startFrom, subject, trouble, pausing, working } =
  piece
const { goOn, troubleStarting, untilDeadline } = piece
const progress = {
  actions: { type: 'tellProgress', params: ({ event }: { event: { text: string } }) => event.text },
} as const

export const workspaceMachine = workspaceSetup.createMachine({
  id: 'workspace',
  description: 'The life of one workspace, from create to delete.',
  context: ({ input }) => newWorkspace(input),
  initial: 'creating',
  on: {
    delete: { target: '.deleting', actions: 'beginDeleting' },
    expire: {
      guard: { type: 'isDue', params: ({ event }) => event.at },
      target: '.deleting',
      actions: 'beginDeleting',
    },
    amend: { actions: { type: 'amend', params: ({ event }) => event } },
  },
  states: {
    creating: {
      description: 'Being made: image, container, boot, setup.',
      tags: 'busy',
      initial: 'queued',
      invoke: {
        id: 'deadline',
        src: 'alarm',
        input: untilDeadline,
        onDone: { target: 'failed', actions: 'blameTime' },
      },
      on: { resume: { target: 'creating', reenter: true, actions: goOn }, progress },
      states: {
        queued: {
          description: 'Waits for a slot, then goes to the step that was reached.',
          tags: 'queued',
          on: {
            granted: [
              { guard: { type: 'isAt', params: 'image' }, target: 'image' },
              { guard: { type: 'isAt', params: 'container' }, target: 'container' },
              { target: 'boot' }, // also after a setup: whether the container still runs, a boot finds out
            ],
          },
        },
        image: { description: 'Its image is being made present.', ...working('image', 'container', trouble) },
        container: { description: 'Its container is being made.', ...working('container', 'boot', trouble) },
        boot: { description: 'Its container is being run.', ...working('boot', 'setup', trouble) },
        setup: { description: 'Its lifecycle commands run.', ...settingUp(trouble) },
        waiting: {
          description: 'Rests before the step is tried again.',
          ...pausing('queued'),
        },
      },
    },
    running: {
      description: 'Its container runs, as far as anybody knows.',
      initial: 'up',
      states: {
        up: {
          description: 'Usable. A reason here says why a stop did not succeed.',
          on: {
            stop: { target: 'stopping', actions: beginHalt },
            restart: { target: 'restarting', actions: beginHalt },
            exited: [
              {
                guard: { type: 'ranOutOfMemory', params: exit },
                target: '#workspace.failed',
                actions: { type: 'noteExit', params: exit },
              },
              {
                guard: { type: 'wentDownWithEngine', params: exit },
                target: '#workspace.stopped.starting',
                actions: [begin('boot'), { type: 'noteExit', params: exit }],
              },
              {
                guard: { type: 'isOwn', params: container },
                target: '#workspace.stopped',
                actions: { type: 'noteExit', params: exit },
              },
            ],
            vanished: {
              guard: { type: 'isOwn', params: container },
              target: '#workspace.stopped',
              actions: 'noteVanished',
            },
            // Restarted by somebody else: its ports may be others now.
            appeared: {
              guard: { type: 'isOwn', params: container },
              actions: { type: 'noteAppeared', params: ({ event }) => event.connection },
            },
          },
        },
        stopping: {
          description: 'Its container is being halted; a halt that fails leaves it as it was.',
          on: { resume: { target: 'stopping', reenter: true, actions: goOn } },
          ...halting({ target: '#workspace.stopped', actions: 'rest' } as const),
        },
        restarting: {
          description: 'Its container is being halted, to be started again.',
          on: { resume: { target: 'restarting', reenter: true, actions: goOn } },
          ...halting({ target: '#workspace.stopped.starting', actions: piece.beginAgain } as const),
        },
      },
    },
    stopped: {
      description: 'It has no running container.',
      initial: 'idle',
      states: {
        idle: {
          description: 'Rests. A reason here says why, unless it was just stopped.',
          on: {
            start: startFrom('starting'),
            vanished: { guard: { type: 'isOwn', params: container }, actions: 'noteVanished' },
            appeared: {
              guard: { type: 'isOwn', params: container },
              target: '#workspace.running',
              actions: { type: 'noteAppeared', params: ({ event }) => event.connection },
            },
          },
        },
        starting: {
          description: 'Its container is being started again.',
          tags: 'busy',
          initial: 'queued',
          invoke: {
            id: 'deadline',
            src: 'alarm',
            input: untilDeadline,
            onDone: { target: '#workspace.failed', actions: 'blameTime' },
          },
          on: {
            resume: { target: 'starting', reenter: true, actions: goOn },
            progress,
            stop: { target: '#workspace.running.stopping', actions: beginHalt },
          },
          states: {
            queued: {
              description: 'Waits for a slot, then goes to the step that was reached.',
              tags: 'queued',
              on: { granted: 'boot' },
            },
            boot: { description: 'Its container is being run.', ...working('boot', 'setup', troubleStarting) },
            setup: { description: 'Its lifecycle commands run.', ...settingUp(troubleStarting) },
            waiting: {
              description: 'Rests before the step is tried again.',
              ...pausing('queued'),
            },
          },
        },
      },
    },
    failed: {
      description: 'Rests, with the reason. Start tries again, in the same container if there is one.',
      on: {
        start: startFrom('creating'),
        vanished: { guard: { type: 'isOwn', params: container }, actions: 'forgetContainer' },
      },
    },
    deleting: {
      description: 'Being removed, for as long as it takes. No client sees it any more.',
      tags: 'busy',
      initial: 'destroying',
      // Once deleting, always deleting: what the root would answer is forbidden here.
      on: { delete: {}, expire: {}, amend: {}, resume: { target: 'deleting', reenter: true } },
      states: {
        destroying: {
          description: 'Its container is being removed.',
          invoke: {
            id: 'destroy',
            src: 'destroy',
            input: subject,
            onDone: [
              { guard: { type: 'isOk', params: answer }, target: '#workspace.deleted', actions: 'rest' },
              { target: 'waiting', actions: { type: 'retryDeleting', params: answer } },
            ],
          },
        },
        waiting: {
          description: 'Rests before the removal is tried again.',
          ...pausing('destroying'),
        },
      },
    },
    deleted: { type: 'final', description: 'Gone. Its row goes too; its history stays.' },
  },
})
