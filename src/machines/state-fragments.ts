import type { ContainerExit } from '../workspace/container.ts'
import type { ProvisioningStep, WorkspaceContext } from './workspace-context.ts'
import { workspaceRefOf } from './workspace-context.ts'
import type { EffectInput, EffectResult } from './workspace-event.ts'

// Parts of the workspace's statechart that are used more than once.

type ContextArgs = { context: WorkspaceContext }
type EffectDoneArgs<T> = { event: { output: EffectResult<T> } }
type ExitArgs = { event: { containerId: string; exit: ContainerExit } }

export const effectInput = ({ context }: ContextArgs): EffectInput => ({
  ...workspaceRefOf(context),
  provider: context.provider,
})
export const deadlineInput = ({ context }: ContextArgs) => ({ id: context.id, at: context.deadline })
const retryInput = ({ context }: ContextArgs) => ({ id: context.id, at: context.retryAt })
export const effectResult = ({ event }: EffectDoneArgs<unknown>) => event.output
export const exitParams = ({ event }: ExitArgs) => event
export const containerIdParam = ({ event }: { event: { containerId: string } }) => event.containerId

/** Provisioning or a start begins at `step`, with new attempts and a new deadline. */
export const beginStepAction = <S extends ProvisioningStep>(step: S) =>
  ({ type: 'beginStep', params: ({ event }: { event: { at: number } }) => ({ at: event.at, step }) }) as const

/** A stop or a restart begins: a new deadline. */
export const beginStopAction = {
  type: 'beginStop',
  params: ({ event }: { event: { at: number } }) => event.at,
} as const

/** A restart has stopped the container and continues with a start. */
export const beginRestartAction = {
  type: 'beginRestart',
  params: ({ event }: EffectDoneArgs<unknown>) => event.output.at,
} as const

/** Provisioning continues after a restart of the service, with enough time however long the service was down. */
export const resumeAction = {
  type: 'resumeProvisioning',
  params: ({ event }: { event: { at: number } }) => event.at,
} as const

/** `start`: in the existing container, else from the image. */
export const startTransitions = <T extends string>(target: T) =>
  [
    { guard: 'hasContainer', target, actions: beginStepAction('boot') },
    { target: '#workspace.creating', actions: beginStepAction('image') },
  ] as const

/** The transitions of a step that failed. */
export const failureTransitions = [
  {
    guard: { type: 'shouldRetryStep', params: effectResult },
    target: 'waiting',
    actions: { type: 'retryStep', params: effectResult },
  },
  { target: '#workspace.failed', actions: { type: 'failStep', params: effectResult } },
] as const

/** The same where there was a container before: if it is missing, it is created again. */
export const startFailureTransitions = [
  {
    guard: { type: 'isContainerMissing', params: effectResult },
    target: '#workspace.creating.waiting',
    actions: { type: 'retryStep', params: effectResult },
  },
  ...failureTransitions,
] as const

/** A provisioning step with another one after it. Its result goes into the context. */
export const stepState = <
  S extends 'image' | 'container' | 'boot',
  N extends ProvisioningStep,
  T extends readonly unknown[],
>(
  src: S,
  next: N,
  onFailure: T,
) =>
  ({
    tags: 'working',
    invoke: {
      id: src,
      src,
      input: effectInput,
      onDone: [
        {
          guard: { type: 'succeeded', params: effectResult },
          target: next,
          actions: {
            type: 'completeStep',
            params: ({ event }: EffectDoneArgs<Partial<WorkspaceContext>>) => ({
              step: next,
              output: event.output.ok ? event.output.value : {},
            }),
          },
        },
        ...onFailure,
      ],
    },
  }) as const

/** The last provisioning step, after which the workspace is running. */
export const setupState = <T extends readonly unknown[]>(onFailure: T) =>
  ({
    tags: 'working',
    invoke: {
      id: 'setup',
      src: 'setup',
      input: effectInput,
      onDone: [
        {
          guard: { type: 'succeeded', params: effectResult },
          target: '#workspace.running',
          actions: 'finishProvisioning',
        },
        ...onFailure,
      ],
    },
  }) as const

/** A pause before `next` is retried. It ends after its time, or when the engine that it waits for is available again. */
export const waitingState = <N extends string>(next: N) =>
  ({
    tags: 'waiting',
    on: { wake: { guard: 'isWaitingForEngine', target: next } },
    invoke: { id: 'pause', src: 'timer', input: retryInput, onDone: next },
  }) as const

/**
 * A stop, also as the first part of a restart. If it fails, a workspace that was running stays running, with the reason. One that was still
 * starting becomes stopped, and the next inventory finds out whether it runs.
 */
export const stoppingState = <T>(onStopped: T) =>
  ({
    tags: 'busy',
    initial: 'halting',
    invoke: {
      id: 'deadline',
      src: 'timer',
      input: deadlineInput,
      onDone: [
        { guard: 'wasRunning', target: '#workspace.running.up', actions: 'timeOutStop' },
        { target: '#workspace.stopped', actions: 'timeOutStop' },
      ],
    },
    states: {
      halting: {
        description: 'Its container is being asked to exit.',
        invoke: {
          id: 'stop',
          src: 'stop',
          input: effectInput,
          onDone: [
            { guard: { type: 'succeeded', params: effectResult }, ...onStopped },
            {
              guard: { type: 'shouldRetryStop', params: effectResult },
              target: 'waiting',
              actions: { type: 'retryStop', params: effectResult },
            },
            {
              guard: 'wasRunning',
              target: '#workspace.running.up',
              actions: { type: 'failStop', params: effectResult },
            },
            { target: '#workspace.stopped', actions: { type: 'failStop', params: effectResult } },
          ],
        },
      },
      waiting: {
        description: 'Waits before the stop is retried.',
        ...waitingState('halting'),
      },
    },
  }) as const
