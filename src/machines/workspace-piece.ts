import type { Exit } from '../workspace/container.ts'
import type { Step, WorkspaceContext } from './workspace-context.ts'
import { subjectOf } from './workspace-context.ts'
import type { Answer } from './workspace-event.ts'

// Pieces that the workspace's chart is put together from, each used in more than one place of it.

type Scope = { context: WorkspaceContext }
type Answered<T> = { event: { output: Answer<T> } }
type Seen = { event: { containerId: string; exit: Exit } }

export const subject = ({ context }: Scope) => subjectOf(context)
export const untilDeadline = ({ context }: Scope) => ({ id: context.id, at: context.deadline })
const untilRetry = ({ context }: Scope) => ({ id: context.id, at: context.retryAt })
export const answer = ({ event }: Answered<unknown>) => event.output
export const exit = ({ event }: Seen) => event
export const container = ({ event }: { event: { containerId: string } }) => event.containerId

/** Provisioning or a start begins at `step`: new tries, a new deadline. */
export const begin = <S extends Step>(step: S) =>
  ({ type: 'begin', params: ({ event }: { event: { at: number } }) => ({ at: event.at, step }) }) as const

/** A stop or a restart begins: a new deadline. */
export const beginHalt = { type: 'halt', params: ({ event }: { event: { at: number } }) => event.at } as const

/** A restart has halted the container and goes on with a start. */
export const beginAgain = { type: 'beginAgain', params: ({ event }: Answered<unknown>) => event.output.at } as const

/** Provisioning goes on after a restart of the service: it has a fair chance however long the service was away. */
export const goOn = { type: 'goOn', params: ({ event }: { event: { at: number } }) => event.at } as const

/** Start: in the container that there is, else from the image. */
export const startFrom = <T extends string>(target: T) =>
  [
    { guard: 'hasContainer', target, actions: begin('boot') },
    { target: '#workspace.creating', actions: begin('image') },
  ] as const

/** What a step does with an answer that is not a success. */
export const trouble = [
  { guard: { type: 'worthRetrying', params: answer }, target: 'waiting', actions: { type: 'retry', params: answer } },
  { target: '#workspace.failed', actions: { type: 'blame', params: answer } },
] as const

/** The same where there was a container before: if it is gone, it is made anew. */
export const troubleStarting = [
  {
    guard: { type: 'isGone', params: answer },
    target: '#workspace.creating.waiting',
    actions: { type: 'retry', params: answer },
  },
  ...trouble,
] as const

/** A provisioning step with another one after it. What it answers is kept as it is named in the context. */
export const working = <S extends 'image' | 'container' | 'boot', N extends Step, T extends readonly unknown[]>(
  src: S,
  next: N,
  otherwise: T,
) =>
  ({
    tags: 'working',
    invoke: {
      id: src,
      src,
      input: subject,
      onDone: [
        {
          guard: { type: 'isOk', params: answer },
          target: next,
          actions: {
            type: 'reach',
            params: ({ event }: Answered<Partial<WorkspaceContext>>) => ({
              step: next,
              found: event.output.ok ? event.output.value : {},
            }),
          },
        },
        ...otherwise,
      ],
    },
  }) as const

/** The last provisioning step: after it the workspace runs. */
export const settingUp = <T extends readonly unknown[]>(otherwise: T) =>
  ({
    tags: 'working',
    invoke: {
      id: 'setup',
      src: 'setup',
      input: subject,
      onDone: [
        { guard: { type: 'isOk', params: answer }, target: '#workspace.running', actions: 'ready' },
        ...otherwise,
      ],
    },
  }) as const

/** A rest before `next` is tried again. It ends with its time, or when the engine that it waits for is back. */
export const pausing = <N extends string>(next: N) =>
  ({
    tags: 'waiting',
    on: { wake: { guard: 'waitsForEngine', target: next } },
    invoke: { id: 'pause', src: 'alarm', input: untilRetry, onDone: next },
  }) as const

/**
 * A stop that may be on its way to something else. One that fails leaves the workspace up, with the reason; one that was being
 * started and had not come up rests, and an inventory says if it runs all the same.
 */
export const halting = <T>(halted: T) =>
  ({
    tags: 'busy',
    initial: 'halting',
    invoke: {
      id: 'deadline',
      src: 'alarm',
      input: untilDeadline,
      onDone: [
        { guard: 'wasUp', target: '#workspace.running.up', actions: 'blameHaltTime' },
        { target: '#workspace.stopped', actions: 'blameHaltTime' },
      ],
    },
    states: {
      halting: {
        description: 'Its container is asked to end.',
        invoke: {
          id: 'halt',
          src: 'halt',
          input: subject,
          onDone: [
            { guard: { type: 'isOk', params: answer }, ...halted },
            {
              guard: { type: 'worthHaltingAgain', params: answer },
              target: 'waiting',
              actions: { type: 'retryHalt', params: answer },
            },
            {
              guard: 'wasUp',
              target: '#workspace.running.up',
              actions: { type: 'blameHalt', params: answer },
            },
            { target: '#workspace.stopped', actions: { type: 'blameHalt', params: answer } },
          ],
        },
      },
      waiting: {
        description: 'Rests before the halt is tried again.',
        ...pausing('halting'),
      },
    },
  }) as const
