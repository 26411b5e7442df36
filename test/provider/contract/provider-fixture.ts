import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import type { EngineNotice, Provider } from '../../../src/provider/provider.ts'
import type { Connection, ContainerRecord } from '../../../src/workspace/container.ts'
import type { Fault, Outcome } from '../../../src/workspace/fault.ts'
import { newWorkspaceId, type WorkspaceId } from '../../../src/workspace/id.ts'
import type { WorkspaceSpec } from '../../../src/workspace/spec.ts'
import type { WorkspaceRef } from '../../../src/workspace/workspace-ref.ts'

/** One installation on a real or imitated engine, and the hands of somebody who stands beside it. */
export interface ProviderFixture {
  readonly provider: Provider
  /** A recipe that this engine can make: an image with `sh` in it, no lifecycle commands. */
  newSpec(partial?: Partial<WorkspaceSpec>): WorkspaceSpec
  /** Kills the container's main process from outside, with SIGKILL. Settles when the container has ended. */
  kill(containerId: string): Promise<void>
  /** Makes the container not exist, behind the provider's back. */
  removeByHand(containerId: string): Promise<void>
  /** Another provider object on the same engine for the same installation, as after a restart of the service. */
  restarted(): Provider
  /** A provider of another installation on the same engine. */
  otherInstallation(): Provider
  /** Ends whatever the bench has started and removes whatever it has made. */
  close(): Promise<void>
}

/** A signal that nobody aborts. */
export function neverAborted(): AbortSignal {
  return new AbortController().signal
}

/** A recipe without lifecycle commands, environment or ports. */
export function plainSpec(partial: Partial<WorkspaceSpec> = {}): WorkspaceSpec {
  return {
    image: 'debian:bookworm-slim',
    containerEnv: {},
    remoteEnv: {},
    remoteUser: null,
    workspaceFolder: '/workspace',
    forwardPorts: [],
    overrideCommand: true,
    init: true,
    limits: { cpus: 1, memoryBytes: 256 * 1024 * 1024, pids: 128 },
    onCreate: [],
    postCreate: [],
    postStart: [],
    ...partial,
  }
}

/** A workspace that nothing was done for yet. */
export function newWorkspaceRef(spec: WorkspaceSpec, partial: Partial<WorkspaceRef> = {}): WorkspaceRef {
  const id = newWorkspaceId()
  const base = { id, owner: 'ada', name: `w-${id.slice(0, 8)}`, template: 'base', spec }
  return { ...base, imageId: null, containerId: null, prepared: false, ...partial }
}

/** The value of an outcome that ought to be one; the test fails with the fault otherwise. */
export function valueOf<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) expect.fail(`${outcome.fault.kind}: ${outcome.fault.message}`)
  return outcome.value
}

/** The fault of an outcome that ought to be one. */
export function faultOf<T>(outcome: Outcome<T>): Fault {
  if (outcome.ok) expect.fail(`a fault was expected, not ${JSON.stringify(outcome.value)}`)
  return outcome.fault
}

/** The subject after the steps `image` and `container`. */
export async function createdWorkspace(
  provider: Provider,
  workspace: WorkspaceRef,
): Promise<WorkspaceRef & { readonly containerId: string }> {
  const { imageId } = valueOf(await provider.image(workspace, neverAborted(), () => undefined))
  const { containerId } = valueOf(await provider.container({ ...workspace, imageId }, neverAborted()))
  return { ...workspace, imageId, containerId }
}

/** The subject after the steps `image`, `container` and `boot`. */
export async function runningWorkspace(
  provider: Provider,
  workspace: WorkspaceRef,
): Promise<WorkspaceRef & { readonly containerId: string }> {
  const created = await createdWorkspace(provider, workspace)
  valueOf(await provider.boot(created, neverAborted()))
  return created
}

/** Runs the subject's lifecycle commands to their end. */
export function runSetup(provider: Provider, workspace: WorkspaceRef): Promise<Outcome<void>> {
  return provider.setup(workspace, neverAborted(), () => undefined)
}

/** What the provider sees of one workspace; `inspect` and `inventory` have to agree on it, and there may be one at most. */
export async function containerOf(provider: Provider, id: WorkspaceId): Promise<ContainerRecord | null> {
  const listed = valueOf(await provider.list(neverAborted())).filter((container) => container.workspaceId === id)
  const inspected = valueOf(await provider.inspect(id, neverAborted()))
  expect(listed).toEqual(inspected === null ? [] : [inspected])
  return inspected
}

/** The kind of state that the provider sees the workspace's container in; `none` if there is no container. */
export async function containerStateOf(
  provider: Provider,
  id: WorkspaceId,
): Promise<'none' | 'created' | 'running' | 'exited'> {
  return (await containerOf(provider, id))?.state.kind ?? 'none'
}

/** What a shell script prints in a running container: a command that fails is the port's only way to show output. */
export async function outputOfScript(provider: Provider, workspace: WorkspaceRef, script: string): Promise<string> {
  const marker = randomUUID()
  const postStart = [{ name: 'postStartCommand', run: `echo ${marker}\n${script}\nexit 9` }]
  const workspaceWithScript = { ...workspace, prepared: true, spec: { ...workspace.spec, postStart } }
  const { kind, message } = faultOf(await runSetup(provider, workspaceWithScript))
  expect(kind).toBe('permanent')
  return message.slice(message.lastIndexOf(marker) + marker.length).trim()
}

/** How the container is reached while it runs. */
export async function connectionOf(provider: Provider, id: WorkspaceId): Promise<Connection> {
  const container = await containerOf(provider, id)
  if (container?.state.kind !== 'running') expect.fail(`running was expected, not ${JSON.stringify(container)}`)
  return container.state.connection
}

/** Follows a provider; `until` settles with the first notice that fits, heard already or still to come. */
export function watchProvider(provider: Provider): {
  readonly notices: readonly EngineNotice[]
  waitFor(matches: (notice: EngineNotice) => boolean): Promise<EngineNotice>
  close(): void
} {
  const notices: EngineNotice[] = []
  const waiters = new Set<() => void>()
  const watch = provider.watch((notice) => {
    notices.push(notice)
    for (const check of waiters) check()
  })
  const waitFor = (matches: (notice: EngineNotice) => boolean) =>
    new Promise<EngineNotice>((resolve) => {
      const check = () => {
        const match = notices.find(matches)
        if (match === undefined) return
        waiters.delete(check)
        resolve(match)
      }
      waiters.add(check)
      check()
    })
  return { notices, waitFor, close: () => watch.close() }
}
