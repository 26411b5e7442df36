/**
 * What a workspace is made from: a template's definition as it was when the workspace was created. It is kept with the
 * workspace, so that a template that is edited or removed later changes nothing for the workspaces that exist.
 */
export interface WorkspaceSpec {
  readonly image: string
  /** Environment of the container itself. */
  readonly containerEnv: Readonly<Record<string, string>>
  /** Environment of what is run in it: lifecycle commands, shells. */
  readonly remoteEnv: Readonly<Record<string, string>>
  /** The user that commands run as; `null`: the image's. */
  readonly remoteUser: string | null
  /** Absolute path inside the workspace where commands run. */
  readonly workspaceFolder: string
  /** Ports inside the workspace that are published on the host's loopback. */
  readonly forwardPorts: readonly number[]
  /** True: the container runs a keeper that does nothing; false: the image's own command. */
  readonly overrideCommand: boolean
  /** True: an init process reaps children and forwards signals. */
  readonly init: boolean
  readonly limits: ResourceLimits
  /** Run once per container, in this order, before the workspace counts as running. */
  readonly onCreate: readonly LifecycleCommand[]
  readonly postCreate: readonly LifecycleCommand[]
  /** Run after each start, in this order, before the workspace counts as running. */
  readonly postStart: readonly LifecycleCommand[]
}

export interface ResourceLimits {
  /** Processors, in fractions: 1.5 is one and a half. */
  readonly cpus: number
  readonly memoryBytes: number
  /** Processes and threads at a time. */
  readonly pids: number
}

/** A command that the template's author wrote: a string for the shell, or an argument list that no shell sees. */
export interface LifecycleCommand {
  /** Where it stands: `postCreateCommand`, or `postCreateCommand.server` for a named one. */
  readonly name: string
  readonly run: string | readonly string[]
}
