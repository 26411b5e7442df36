import type { Connection, ContainerRecord } from '../workspace/container.ts'
import type { Fault, Outcome } from '../workspace/fault.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { OutputChunk } from '../workspace/guest-process.ts'
import type { ProviderName, WorkspaceRef } from '../workspace/workspace-ref.ts'
import type { Guest } from './guest.ts'

/** What a provider reports unasked. Notices are hints: some are lost, some come twice. The truth is what `list` returns (law 8). */
export type EngineNotice =
  | { readonly kind: 'connected' }
  | { readonly kind: 'disconnected'; readonly fault: Fault }
  | { readonly kind: 'changed'; readonly workspaceId: WorkspaceId }

/**
 * Where workspaces run. Every verb:
 *
 * - is idempotent by workspace id. It may run twice, even beside a copy of itself that a crash interrupted (law 3);
 * - returns an {@link Outcome}, never rejects, and does not retry: the machine retries, the provider reports (law 13);
 * - settles within a bounded time whatever the engine does, and soon after `signal` is aborted; its result is then ignored;
 * - touches only containers that carry this installation's id (law 8).
 */
export interface Provider {
  readonly name: ProviderName

  /** Commands, files and logs inside running workspaces. */
  readonly guest: Guest

  /**
   * Step `image`: makes the spec's image available, and returns its id. `onProgress` gets short texts for people while a pull goes on.
   */
  image(
    workspace: WorkspaceRef,
    signal: AbortSignal,
    onProgress: (text: string) => void,
  ): Promise<Outcome<{ imageId: string }>>

  /** Step `container`: creates the workspace's one container without starting it, or adopts the one that has the workspace's label. */
  container(workspace: WorkspaceRef, signal: AbortSignal): Promise<Outcome<{ containerId: string }>>

  /** Step `boot`: starts the container. Success if it is running already; `missing` if it no longer exists. */
  boot(workspace: WorkspaceRef, signal: AbortSignal): Promise<Outcome<{ connection: Connection }>>

  /**
   * Step `setup`: runs the lifecycle commands in the running container, in order: onCreate and postCreate (unless `prepared`), then
   * postStart. A command that fails or times out is `permanent`; the message ends with the last lines of its output. A workspace that stops
   * meanwhile is `transient`. `onOutput` gets everything that the commands write, with the name of the command.
   */
  setup(
    workspace: WorkspaceRef,
    signal: AbortSignal,
    onProgress: (text: string) => void,
    onOutput?: (command: string, output: OutputChunk) => void,
  ): Promise<Outcome<void>>

  /** Stops the container: SIGTERM, and SIGKILL after ten seconds. Success if it is not running, or does not exist. */
  stop(workspace: WorkspaceRef, signal: AbortSignal): Promise<Outcome<void>>

  /**
   * Removes the workspace's containers: those that have its label, and `containerId` if one is given (law 9). Success if they do not exist,
   * or are being removed already.
   */
  remove(id: WorkspaceId, containerId: string | null, signal: AbortSignal): Promise<Outcome<void>>

  /** Returns the workspace's container; `null` if it has none. */
  inspect(id: WorkspaceId, signal: AbortSignal): Promise<Outcome<ContainerRecord | null>>

  /** Returns every container of this installation. A list that may be incomplete is a fault. */
  list(signal: AbortSignal): Promise<Outcome<readonly ContainerRecord[]>>

  /** Checks that the engine can be reached now. */
  ping(signal: AbortSignal): Promise<Outcome<void>>

  /** Follows the engine until `close()`. Reports `connected` first and after each loss, `disconnected` once per loss, and `changed` in between. */
  watch(notify: (notice: EngineNotice) => void): { close(): void }
}
