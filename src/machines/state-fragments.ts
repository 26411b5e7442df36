import type { ContainerExit } from '../workspace/container.ts'
import type { ProvisioningStep, WorkspaceContext } from './workspace-context.ts'
import { workspaceRefOf } from './workspace-context.ts'
import type { EffectInput, EffectResult } from './workspace-event.ts'

// Pieces that the workspace's chart is put together from, each used in more than one place of it.

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

/** Provisioning or a start begins at `step`: new tries, a new deadline. */
export const beginStepAction = <S extends ProvisioningStep>(step: S) =>
  ({ type: 'beginStep', params: ({ event }: { event: { at: number } }) => ({ at: event.at, step }) }) as const

/** A stop or a restart begins: a new deadline. */
export const beginStopAction = {
  type: 'beginStop',
  params: ({ event }: { event: { at: number } }) => event.at,
} as const

/** A restart has halted the container and goes on with a start. */
export const beginRestartAction = {
  type: 'beginRestart',
  params: ({ event }: EffectDoneArgs<unknown>) => event.output.at,
} as const

/** Provisioning goes on after a restart of the service: it has a fair chance however long the service was away. */
export const resumeAction = {
  type: 'resumeProvisioning',
  params: ({ event }: { event: { at: number } }) => event.at,
} as const

/** Start: in the container that there is, else from the image. */
export const startTransitions = <T extends string>(target: T) =>
  [
    { guard: 'hasContainer', target, actions: beginStepAction('boot') },
    { target: '#workspace.creating', actions: beginStepAction('image') },
  ] as const

/** What a step does with an answer that is not a success. */
export const failureTransitions = [
  {
    guard: { type: 'shouldRetryStep', params: effectResult },
    target: 'waiting',
    actions: { type: 'retryStep', params: effectResult },
  },
  { target: '#workspace.failed', actions: { type: 'failStep', params: effectResult } },
] as const

/** The same where there was a container before: if it is gone, it is made anew. */
export const startFailureTransitions = [
  {
    guard: { type: 'isContainerMissing', params: effectResult },
    target: '#workspace.creating.waiting',
    actions: { type: 'retryStep', params: effectResult },
  },
  ...failureTransitions,
] as const

/** A provisioning step with another one after it. What it answers is kept as it is named in the context. */
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

/** The last provisioning step: after it the workspace runs. */
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

/** A rest before `next` is tried again. It ends with its time, or when the engine that it waits for is back. */
export const waitingState = <N extends string>(next: N) =>
  ({
    tags: 'waiting',
    on: { wake: { guard: 'isWaitingForEngine', target: next } },
    invoke: { id: 'pause', src: 'timer', input: retryInput, onDone: next },
  }) as const

/**
 * A stop that may be on its way to something else. One that fails leaves the workspace up, with the reason; one that was being
 * started and had not come up rests, and an inventory says if it runs all the same.
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
        description: 'Its container is asked to end.',
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
        description: 'Rests before the halt is tried again.',
        ...waitingState('halting'),
      },
    },
  }) as const
