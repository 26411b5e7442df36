import { assign, fromPromise, setup } from 'xstate'
import type { Connection, ContainerExit } from '../workspace/container.ts'
import * as updates from './context-updates.ts'
import type { ProvisioningStep, WorkspaceContext, WorkspaceInput } from './workspace-context.ts'
import type { EffectInput, WorkspacePatch, EffectResult, TimerFired, WorkspaceEvent } from './workspace-event.ts'

/** Stands for an effect until the supervisor provides the real one with `machine.provide`. */
function effectPlaceholder<T, Input = EffectInput>() {
  return fromPromise<T, Input>(() => Promise.reject(new Error('this machine was started without its effects')))
}

/** The vocabulary of the workspace's chart: its events, effects, guards and actions. Actions only assign (M1). */
export const workspaceSetup = setup({
  types: {
    context: {} as WorkspaceContext,
    input: {} as WorkspaceInput,
    events: {} as WorkspaceEvent,
    tags: {} as 'ready' | 'settled' | 'busy' | 'queued' | 'working' | 'waiting',
  },
  actors: {
    image: effectPlaceholder<EffectResult<{ imageId: string }>>(),
    container: effectPlaceholder<EffectResult<{ containerId: string }>>(),
    boot: effectPlaceholder<EffectResult<{ connection: Connection }>>(),
    setup: effectPlaceholder<EffectResult<void>>(),
    stop: effectPlaceholder<EffectResult<void>>(),
    remove: effectPlaceholder<EffectResult<void>>(),
    timer: effectPlaceholder<TimerFired, { id: string; at: number }>(),
  },
  guards: {
    isAtStep: ({ context }, step: ProvisioningStep) => context.step === step,
    succeeded: (_, result: EffectResult<unknown>) => result.ok,
    isContainerMissing: ({ context }, result: EffectResult<unknown>) =>
      !result.ok && result.fault.kind === 'missing' && updates.shouldRetryStep(context, result),
    shouldRetryStep: ({ context }, result: EffectResult<unknown>) => updates.shouldRetryStep(context, result),
    wasRunning: ({ context }) => context.connection !== null,
    shouldRetryStop: ({ context }, result: EffectResult<unknown>) => updates.shouldRetryStop(context, result),
    isWaitingForEngine: ({ context }) => context.waitingForEngine,
    hasContainer: ({ context }) => context.containerId !== null,
    isExpired: ({ context }, at: number) => context.expiresAt !== null && context.expiresAt <= at,
    isOwnContainer: ({ context }, containerId: string) => context.containerId === containerId,
    ranOutOfMemory: ({ context }, params: { containerId: string; exit: ContainerExit }) =>
      context.containerId === params.containerId && params.exit.outOfMemory,
    wentDownWithEngine: ({ context }, params: { containerId: string; exit: ContainerExit }) =>
      context.containerId === params.containerId && params.exit.wentDownWithEngine,
  },
  actions: {
    beginStep: assign((_, { at, step }: { at: number; step: ProvisioningStep }) => updates.beginStep(at, step)),
    beginRestart: assign((_, at: number) => ({ ...updates.restUpdate, ...updates.beginStep(at, 'boot') })),
    resumeProvisioning: assign(({ context }, at: number) => updates.resumeProvisioning(context, at)),
    retryStep: assign(({ context }, result: EffectResult<unknown>) => updates.retryStep(context, result)),
    failStep: assign(({ context }, result: EffectResult<unknown>) => updates.failStep(context, result)),
    timeOutProvisioning: assign(({ context }) => updates.timeOutProvisioning(context)),
    completeStep: assign((_, { step, output }: { step: ProvisioningStep; output: Partial<WorkspaceContext> }) =>
      updates.completeStep(step, output),
    ),
    setProgress: assign((_, progress: string) => ({ progress })),
    finishProvisioning: assign(updates.readyUpdate),
    beginStop: assign((_, at: number) => updates.beginStop(at)),
    retryStop: assign(({ context }, result: EffectResult<unknown>) => updates.retryStop(context, result)),
    failStop: assign(({ context }, result: EffectResult<unknown>) => updates.failStop(context, result)),
    timeOutStop: assign(({ context }) => updates.timeOutStop(context)),
    comeToRest: assign(updates.restUpdate),
    applyPatch: assign((_, patch: WorkspacePatch & { at: number }) => updates.applyPatch(patch, patch.at)),
    recordExit: assign((_, params: { exit: ContainerExit }) => updates.recordExit(params.exit)),
    recordVanished: assign(updates.vanishedUpdate),
    recordConnection: assign((_, connection: Connection) => updates.recordConnection(connection)),
    clearContainer: assign(updates.containerGoneUpdate),
    beginDeletion: assign(updates.deletionUpdate),
    retryDeletion: assign(({ context }, result: EffectResult<unknown>) => updates.retryDeletion(context, result)),
  },
})
