import { assign, fromPromise, setup } from 'xstate'
import type { Connection, Exit } from '../workspace/container.ts'
import type { Subject } from '../workspace/subject.ts'
import * as change from './workspace-change.ts'
import type { Step, WorkspaceContext, WorkspaceRequest } from './workspace-context.ts'
import type { Amendment, Answer, Rang, WorkspaceEvent } from './workspace-event.ts'

/** The place of an effect. The supervisor puts the real one there with `machine.provide`. */
function effect<T, Input = Subject>() {
  return fromPromise<T, Input>(() => Promise.reject(new Error('this machine was started without its effects')))
}

/** The vocabulary of the workspace's chart: its events, effects, guards and actions. Actions only assign (M1). */
export const workspaceSetup = setup({
  types: {
    context: {} as WorkspaceContext,
    input: {} as WorkspaceRequest,
    events: {} as WorkspaceEvent,
    tags: {} as 'busy' | 'queued' | 'working' | 'waiting',
  },
  actors: {
    image: effect<Answer<{ imageId: string }>>(),
    container: effect<Answer<{ containerId: string }>>(),
    boot: effect<Answer<{ connection: Connection }>>(),
    setup: effect<Answer<void>>(),
    halt: effect<Answer<void>>(),
    destroy: effect<Answer<void>>(),
    alarm: effect<Rang, { id: string; at: number }>(),
  },
  guards: {
    isAt: ({ context }, step: Step) => context.step === step,
    isOk: (_, it: Answer<unknown>) => it.ok,
    isGone: ({ context }, it: Answer<unknown>) =>
      !it.ok && it.fault.again === 'gone' && change.worthRetrying(context, it),
    worthRetrying: ({ context }, it: Answer<unknown>) => change.worthRetrying(context, it),
    wasUp: ({ context }) => context.connection !== null,
    worthHaltingAgain: ({ context }, it: Answer<unknown>) => change.worthHaltingAgain(context, it),
    waitsForEngine: ({ context }) => context.forEngine,
    hasContainer: ({ context }) => context.containerId !== null,
    isDue: ({ context }, at: number) => context.expiresAt !== null && context.expiresAt <= at,
    isOwn: ({ context }, containerId: string) => context.containerId === containerId,
    ranOutOfMemory: ({ context }, it: { containerId: string; exit: Exit }) =>
      context.containerId === it.containerId && it.exit.outOfMemory,
    wentDownWithEngine: ({ context }, it: { containerId: string; exit: Exit }) =>
      context.containerId === it.containerId && it.exit.withEngine,
  },
  actions: {
    begin: assign((_, { at, step }: { at: number; step: Step }) => change.begun(at, step)),
    beginAgain: assign((_, at: number) => ({ ...change.rested, ...change.begun(at, 'boot') })),
    goOn: assign(({ context }, at: number) => change.goneOn(context, at)),
    retry: assign(({ context }, it: Answer<unknown>) => change.retrying(context, it)),
    blame: assign(({ context }, it: Answer<unknown>) => change.blamed(context, it)),
    blameTime: assign(({ context }) => change.blamedTime(context)),
    reach: assign((_, { step, found }: { step: Step; found: Partial<WorkspaceContext> }) =>
      change.reached(step, found),
    ),
    tellProgress: assign((_, progress: string) => ({ progress })),
    ready: assign(change.ready),
    halt: assign((_, at: number) => change.halting(at)),
    retryHalt: assign(({ context }, it: Answer<unknown>) => change.haltRetrying(context, it)),
    blameHalt: assign(({ context }, it: Answer<unknown>) => change.blamedHalt(context, it)),
    blameHaltTime: assign(({ context }) => change.blamedHaltTime(context)),
    rest: assign(change.rested),
    amend: assign((_, it: Amendment & { at: number }) => change.amended(it, it.at)),
    noteExit: assign((_, it: { exit: Exit }) => change.exited(it.exit)),
    noteVanished: assign(change.vanished),
    noteAppeared: assign((_, connection: Connection) => change.appeared(connection)),
    forgetContainer: assign(change.forgotten),
    beginDeleting: assign(change.deleting),
    retryDeleting: assign(({ context }, it: Answer<unknown>) => change.deletionRetrying(context, it)),
  },
})
