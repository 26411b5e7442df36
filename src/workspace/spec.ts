/**
 * The template's definition at the time the workspace was created. It is stored with the workspace, so that later changes to the
 * template do not affect existing workspaces.
 */
export interface WorkspaceSpec {
  readonly image: string
  /** Environment of the container itself. */
  readonly containerEnv: Readonly<Record<string, string>>
  /** Environment of lifecycle commands, execs and shells. */
  readonly remoteEnv: Readonly<Record<string, string>>
  /** The user that commands run as; `null`: the image's. */
  readonly remoteUser: string | null
  /** Absolute path inside the workspace where commands run. */
  readonly workspaceFolder: string
  /** Ports of the workspace that are published on the host's loopback interface. */
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
  /** Number of CPUs, may be fractional. */
  readonly cpus: number
  readonly memoryBytes: number
  /** Maximum number of processes and threads. */
  readonly pids: number
}

/** A lifecycle command of a template: a string for the shell, or an argument list without a shell. */
export interface LifecycleCommand {
  /** Its key in the template: `postCreateCommand`, or `postCreateCommand.server` for a named one. */
  readonly name: string
  readonly run: string | readonly string[]
}
