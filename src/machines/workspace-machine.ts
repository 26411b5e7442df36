// The life of one workspace. Chart: docs/statecharts/workspace.md.
//   M1. Actions only assign. Every effect is an invoked actor, so a restored snapshot knows what was in progress.
//   M2. No `after`. A wait is a `timer` actor; its absolute deadline is in the context, and `resume` waits for the rest.
//   M3. Every invoke names its id: journal, charts and tests use it.
//   M4. No entry actions: `resume` re-enters, and would run them again.
//   M5. No clock: commands and effect results carry `at`.
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
      description: 'Being created: image, container, boot, setup.',
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
          description: 'Waits for a slot, then continues at the step that it had reached.',
          tags: 'queued',
          on: {
            granted: [
              { guard: { type: 'isAtStep', params: 'image' }, target: 'image' },
              { guard: { type: 'isAtStep', params: 'container' }, target: 'container' },
              { target: 'boot' }, // also after a setup: only a boot finds out whether the container still runs
            ],
          },
        },
        image: {
          description: 'Its image is being pulled.',
          ...stepState('image', 'container', failureTransitions),
        },
        container: {
          description: 'Its container is being created.',
          ...stepState('container', 'boot', failureTransitions),
        },
        boot: { description: 'Its container is being started.', ...stepState('boot', 'setup', failureTransitions) },
        setup: { description: 'Its lifecycle commands run.', ...setupState(failureTransitions) },
        waiting: {
          description: 'Waits before the step is retried.',
          ...waitingState('queued'),
        },
      },
    },
    running: {
      description: 'Its container runs, as far as the service knows.',
      initial: 'up',
      states: {
        up: {
          tags: ['ready', 'settled'],
          description: 'Ready for use. A reason here says why a stop failed.',
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
            // Restarted outside of vm-api: its ports may have changed.
            appeared: {
              guard: { type: 'isOwnContainer', params: containerIdParam },
              actions: { type: 'recordConnection', params: ({ event }) => event.connection },
            },
          },
        },
        stopping: {
          description: 'Its container is being stopped. If that fails, the workspace stays as it was.',
          on: { resume: { target: 'stopping', reenter: true, actions: resumeAction } },
          ...stoppingState({ target: '#workspace.stopped', actions: 'comeToRest' } as const),
        },
        restarting: {
          description: 'Its container is being stopped, then started again.',
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
          description: 'At rest. A reason here says why, unless a user stopped it.',
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
          description: 'Its container is being started again, in steps.',
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
              description: 'Waits for a slot, then continues at the step that it had reached.',
              tags: 'queued',
              on: { granted: 'boot' },
            },
            boot: {
              description: 'Its container is being started.',
              ...stepState('boot', 'setup', startFailureTransitions),
            },
            setup: { description: 'Its lifecycle commands run.', ...setupState(startFailureTransitions) },
            waiting: {
              description: 'Waits before the step is retried.',
              ...waitingState('queued'),
            },
          },
        },
      },
    },
    failed: {
      tags: 'settled',
      description: 'At rest, with the reason. `start` tries again, in the same container if there is one.',
      on: {
        start: startTransitions('creating'),
        vanished: { guard: { type: 'isOwnContainer', params: containerIdParam }, actions: 'clearContainer' },
      },
    },
    deleting: {
      description: 'Being removed, for as long as it takes. Clients do not see it any more.',
      tags: 'busy',
      initial: 'destroying',
      // Once deleting, always deleting: this overrides the transitions of the root.
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
          description: 'Waits before the removal is retried.',
          ...waitingState('destroying'),
        },
      },
    },
    deleted: { type: 'final', description: 'Gone. Its row is deleted; its history stays.' },
  },
})
