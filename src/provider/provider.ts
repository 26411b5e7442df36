import type { Connection, ContainerRecord } from '../workspace/container.ts'
import type { Fault, Outcome } from '../workspace/fault.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { OutputChunk } from '../workspace/guest-process.ts'
import type { ProviderName, WorkspaceRef } from '../workspace/workspace-ref.ts'
import type { Guest } from './guest.ts'

/** What a provider says of its own accord. Hints: some are lost and some come twice; the inventory is the truth (law 8). */
export type EngineNotice =
  | { readonly kind: 'connected' }
  | { readonly kind: 'disconnected'; readonly fault: Fault }
  | { readonly kind: 'changed'; readonly workspaceId: WorkspaceId }

/**
 * Where workspaces run. Every verb:
 *
 * - is idempotent by workspace id and may run twice, also at once with a copy of itself that was cut off by a crash (law 3);
 * - answers an {@link Outcome}, never rejects, and retries nothing itself: the machine retries, the provider reports (law 13);
 * - settles within a bounded time whatever the engine does, and soon after `signal` is aborted (its answer is not heard then);
 * - touches only containers that carry this installation's id (law 8).
 */
export interface Provider {
  readonly name: ProviderName

  /** What goes on inside a running workspace. */
  readonly guest: Guest

  /**
   * Step `image`: makes the recipe's image present. `progress` is told in words what a person would like to know while it takes
   * long. Answers the image's id.
   */
  image(
    workspace: WorkspaceRef,
    signal: AbortSignal,
    onProgress: (text: string) => void,
  ): Promise<Outcome<{ imageId: string }>>

  /** Step `container`: makes the workspace's one container exist, not started. Finds its own by label and adopts it. */
  container(workspace: WorkspaceRef, signal: AbortSignal): Promise<Outcome<{ containerId: string }>>

  /** Step `boot`: makes that container run. Running already is success. `missing` when there is no such container any more. */
  boot(workspace: WorkspaceRef, signal: AbortSignal): Promise<Outcome<{ connection: Connection }>>

  /**
   * Step `setup`: runs the lifecycle commands in the running container, in order: onCreate, postCreate (both unless `prepared`),
   * postStart. A command that fails is `permanent`, and the message ends with the last lines of its output. Progress as in `image`; `heard` is
   * told all that the commands write, with the name of the command.
   */
  setup(
    workspace: WorkspaceRef,
    signal: AbortSignal,
    onProgress: (text: string) => void,
    onOutput?: (command: string, output: OutputChunk) => void,
  ): Promise<Outcome<void>>

  /** Makes the container not run: asks it to end, and after ten seconds kills it. Not running already, or gone, is success. */
  stop(workspace: WorkspaceRef, signal: AbortSignal): Promise<Outcome<void>>

  /**
   * Makes the workspace's containers not exist. Already gone, or being removed by someone else, is success. Removes by the ids that it
   * found by label, and `containerId` besides if it is given (law 9).
   */
  remove(id: WorkspaceId, containerId: string | null, signal: AbortSignal): Promise<Outcome<void>>

  /** One container of ours by workspace id; `null` if there is none. */
  inspect(id: WorkspaceId, signal: AbortSignal): Promise<Outcome<ContainerRecord | null>>

  /** Every container of ours. All of them or a fault: a list that may be partial is a fault. */
  list(signal: AbortSignal): Promise<Outcome<readonly ContainerRecord[]>>

  /** Can the engine be reached now? */
  ping(signal: AbortSignal): Promise<Outcome<void>>

  /** Follows the engine until `close()`: tells `connected` at first and after each loss, `lost` once per loss, `changed` in between. */
  watch(notify: (notice: EngineNotice) => void): { close(): void }
}
