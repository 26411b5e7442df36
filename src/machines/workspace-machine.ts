// The life of one workspace. Chart: docs/statecharts/workspace.md.
//   M1. Actions only assign. Every effect is an invoked actor, so a restored snapshot knows what was under way.
//   M2. No `after`. A wait is an `alarm` actor; its absolute deadline is in the context, and `resume` arms what is left.
//   M3. Every invoke names its id: journal, charts and tests speak of it.
//   M4. No entry actions: `resume` re-enters, and would run them again.
//   M5. No clock: commands and effects' answers carry `at`.
import { initialContext } from './workspace-context.ts'
import * as fragments from './state-fragments.ts'
import { workspaceSetup } from './workspace-setup.ts'

const {
  effectResult,
  beginStepAction,
  beginStopAction,
  containerIdParam,
  exitParams,
  stoppingState,
  setupState,
  startTransitions,
  effectInput,
  failureTransitions,
  waitingState,
  stepState,
} = fragments
const { resumeAction, startFailureTransitions, deadlineInput } = fragments
const progressTransition = {
  actions: { type: 'setProgress', params: ({ event }: { event: { text: string } }) => event.text },
} as const

export const workspaceMachine = workspaceSetup.createMachine({
  id: 'workspace',
  description: 'The life of one workspace, from create to delete.',
  context: ({ input }) => initialContext(input),
  initial: 'creating',
  on: {
    delete: { target: '.deleting', actions: 'beginDeletion' },
    expire: {
      guard: { type: 'isExpired', params: ({ event }) => event.at },
      target: '.deleting',
      actions: 'beginDeletion',
    },
    update: { actions: { type: 'applyPatch', params: ({ event }) => event } },
  },
  states: {
    creating: {
      description: 'Being made: image, container, boot, setup.',
      tags: 'busy',
      initial: 'queued',
      invoke: {
        id: 'deadline',
        src: 'timer',
        input: deadlineInput,
        onDone: { target: 'failed', actions: 'timeOutProvisioning' },
      },
      on: { resume: { target: 'creating', reenter: true, actions: resumeAction }, progress: progressTransition },
      states: {
        queued: {
          description: 'Waits for a slot, then goes to the step that was reached.',
          tags: 'queued',
          on: {
            granted: [
              { guard: { type: 'isAtStep', params: 'image' }, target: 'image' },
              { guard: { type: 'isAtStep', params: 'container' }, target: 'container' },
              { target: 'boot' }, // also after a setup: whether the container still runs, a boot finds out
            ],
          },
        },
        image: {
          description: 'Its image is being made present.',
          ...stepState('image', 'container', failureTransitions),
        },
        container: {
          description: 'Its container is being made.',
          ...stepState('container', 'boot', failureTransitions),
        },
        boot: { description: 'Its container is being run.', ...stepState('boot', 'setup', failureTransitions) },
        setup: { description: 'Its lifecycle commands run.', ...setupState(failureTransitions) },
        waiting: {
          description: 'Rests before the step is tried again.',
          ...waitingState('queued'),
        },
      },
    },
    running: {
      description: 'Its container runs, as far as anybody knows.',
      initial: 'up',
      states: {
        up: {
          tags: ['ready', 'settled'],
          description: 'Usable. A reason here says why a stop did not succeed.',
          on: {
            stop: { target: 'stopping', actions: beginStopAction },
            restart: { target: 'restarting', actions: beginStopAction },
            exited: [
              {
                guard: { type: 'ranOutOfMemory', params: exitParams },
                target: '#workspace.failed',
                actions: { type: 'recordExit', params: exitParams },
              },
              {
                guard: { type: 'wentDownWithEngine', params: exitParams },
                target: '#workspace.stopped.starting',
                actions: [beginStepAction('boot'), { type: 'recordExit', params: exitParams }],
              },
              {
                guard: { type: 'isOwnContainer', params: containerIdParam },
                target: '#workspace.stopped',
                actions: { type: 'recordExit', params: exitParams },
              },
            ],
            vanished: {
              guard: { type: 'isOwnContainer', params: containerIdParam },
              target: '#workspace.stopped',
              actions: 'recordVanished',
            },
            // Restarted by somebody else: its ports may be others now.
            appeared: {
              guard: { type: 'isOwnContainer', params: containerIdParam },
              actions: { type: 'recordConnection', params: ({ event }) => event.connection },
            },
          },
        },
        stopping: {
          description: 'Its container is being halted; a halt that fails leaves it as it was.',
          on: { resume: { target: 'stopping', reenter: true, actions: resumeAction } },
          ...stoppingState({ target: '#workspace.stopped', actions: 'comeToRest' } as const),
        },
        restarting: {
          description: 'Its container is being halted, to be started again.',
          on: { resume: { target: 'restarting', reenter: true, actions: resumeAction } },
          ...stoppingState({ target: '#workspace.stopped.starting', actions: fragments.beginRestartAction } as const),
        },
      },
    },
    stopped: {
      description: 'It has no running container.',
      initial: 'idle',
      states: {
        idle: {
          tags: 'settled',
          description: 'Rests. A reason here says why, unless it was just stopped.',
          on: {
            start: startTransitions('starting'),
            vanished: { guard: { type: 'isOwnContainer', params: containerIdParam }, actions: 'recordVanished' },
            appeared: {
              guard: { type: 'isOwnContainer', params: containerIdParam },
              target: '#workspace.running',
              actions: { type: 'recordConnection', params: ({ event }) => event.connection },
            },
          },
        },
        starting: {
          description: 'Its container is being started again.',
          tags: 'busy',
          initial: 'queued',
          invoke: {
            id: 'deadline',
            src: 'timer',
            input: deadlineInput,
            onDone: { target: '#workspace.failed', actions: 'timeOutProvisioning' },
          },
          on: {
            resume: { target: 'starting', reenter: true, actions: resumeAction },
            progress: progressTransition,
            stop: { target: '#workspace.running.stopping', actions: beginStopAction },
          },
          states: {
            queued: {
              description: 'Waits for a slot, then goes to the step that was reached.',
              tags: 'queued',
              on: { granted: 'boot' },
            },
            boot: {
              description: 'Its container is being run.',
              ...stepState('boot', 'setup', startFailureTransitions),
            },
            setup: { description: 'Its lifecycle commands run.', ...setupState(startFailureTransitions) },
            waiting: {
              description: 'Rests before the step is tried again.',
              ...waitingState('queued'),
            },
          },
        },
      },
    },
    failed: {
      tags: 'settled',
      description: 'Rests, with the reason. Start tries again, in the same container if there is one.',
      on: {
        start: startTransitions('creating'),
        vanished: { guard: { type: 'isOwnContainer', params: containerIdParam }, actions: 'clearContainer' },
      },
    },
    deleting: {
      description: 'Being removed, for as long as it takes. No client sees it any more.',
      tags: 'busy',
      initial: 'destroying',
      // Once deleting, always deleting: what the root would answer is forbidden here.
      on: { delete: {}, expire: {}, update: {}, resume: { target: 'deleting', reenter: true } },
      states: {
        destroying: {
          description: 'Its container is being removed.',
          invoke: {
            id: 'remove',
            src: 'remove',
            input: effectInput,
            onDone: [
              {
                guard: { type: 'succeeded', params: effectResult },
                target: '#workspace.deleted',
                actions: 'comeToRest',
              },
              { target: 'waiting', actions: { type: 'retryDeletion', params: effectResult } },
            ],
          },
        },
        waiting: {
          description: 'Rests before the removal is tried again.',
          ...waitingState('destroying'),
        },
      },
    },
    deleted: { type: 'final', description: 'Gone. Its row goes too; its history stays.' },
  },
})
