import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import type { EngineNotice, Provider } from '../../../src/provider/provider.ts'
import type { Connection, ContainerRecord } from '../../../src/workspace/container.ts'
import type { Fault, Outcome } from '../../../src/workspace/fault.ts'
import { newWorkspaceId, type WorkspaceId } from '../../../src/workspace/id.ts'
import type { WorkspaceSpec } from '../../../src/workspace/spec.ts'
import type { WorkspaceRef } from '../../../src/workspace/workspace-ref.ts'

/** One installation on a real or simulated engine, with access to the engine that bypasses the provider. */
export interface ProviderFixture {
  readonly provider: Provider
  /** A spec that works on this engine: an image with `sh`, no lifecycle commands. */
  newSpec(partial?: Partial<WorkspaceSpec>): WorkspaceSpec
  /** Kills the container's main process with SIGKILL. Resolves when the container has exited. */
  kill(containerId: string): Promise<void>
  /** Removes the container without the provider. */
  removeByHand(containerId: string): Promise<void>
  /** A second provider on the same engine for the same installation, as after a restart of the service. */
  restarted(): Provider
  /** A provider of another installation on the same engine. */
  otherInstallation(): Provider
  /** Stops and removes everything that the test has created. */
  close(): Promise<void>
}

/** A signal that is never aborted. */
export function neverAborted(): AbortSignal {
  return new AbortController().signal
}

/** A spec without lifecycle commands, environment or ports. */
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

/** A workspace before its first step. */
export function newWorkspaceRef(spec: WorkspaceSpec, partial: Partial<WorkspaceRef> = {}): WorkspaceRef {
  const id = newWorkspaceId()
  const base = { id, owner: 'ada', name: `w-${id.slice(0, 8)}`, template: 'base', spec }
  return { ...base, imageId: null, containerId: null, prepared: false, ...partial }
}

/** The value of an outcome. A fault fails the test. */
export function valueOf<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) expect.fail(`${outcome.fault.kind}: ${outcome.fault.message}`)
  return outcome.value
}

/** The fault of an outcome. A value fails the test. */
export function faultOf<T>(outcome: Outcome<T>): Fault {
  if (outcome.ok) expect.fail(`a fault was expected, not ${JSON.stringify(outcome.value)}`)
  return outcome.fault
}

/** The workspace after the steps `image` and `container`. */
export async function createdWorkspace(
  provider: Provider,
  workspace: WorkspaceRef,
): Promise<WorkspaceRef & { readonly containerId: string }> {
  const { imageId } = valueOf(await provider.image(workspace, neverAborted(), () => undefined))
  const { containerId } = valueOf(await provider.container({ ...workspace, imageId }, neverAborted()))
  return { ...workspace, imageId, containerId }
}

/** The workspace after the steps `image`, `container` and `boot`. */
export async function runningWorkspace(
  provider: Provider,
  workspace: WorkspaceRef,
): Promise<WorkspaceRef & { readonly containerId: string }> {
  const created = await createdWorkspace(provider, workspace)
  valueOf(await provider.boot(created, neverAborted()))
  return created
}

/** Runs the lifecycle commands of a workspace. */
export function runSetup(provider: Provider, workspace: WorkspaceRef): Promise<Outcome<void>> {
  return provider.setup(workspace, neverAborted(), () => undefined)
}

/** The container of a workspace. Checks that `inspect` and `list` agree, and that there is at most one. */
export async function containerOf(provider: Provider, id: WorkspaceId): Promise<ContainerRecord | null> {
  const listed = valueOf(await provider.list(neverAborted())).filter((container) => container.workspaceId === id)
  const inspected = valueOf(await provider.inspect(id, neverAborted()))
  expect(listed).toEqual(inspected === null ? [] : [inspected])
  return inspected
}

/** The state of the workspace's container; `none` if it has none. */
export async function containerStateOf(
  provider: Provider,
  id: WorkspaceId,
): Promise<'none' | 'created' | 'running' | 'exited'> {
  return (await containerOf(provider, id))?.state.kind ?? 'none'
}

/** The output of a shell script that runs as a lifecycle command, taken from the message of its failure. */
export async function outputOfScript(provider: Provider, workspace: WorkspaceRef, script: string): Promise<string> {
  const marker = randomUUID()
  const postStart = [{ name: 'postStartCommand', run: `echo ${marker}\n${script}\nexit 9` }]
  const workspaceWithScript = { ...workspace, prepared: true, spec: { ...workspace.spec, postStart } }
  const { kind, message } = faultOf(await runSetup(provider, workspaceWithScript))
  expect(kind).toBe('permanent')
  return message.slice(message.lastIndexOf(marker) + marker.length).trim()
}

/** The connection of a running container. */
export async function connectionOf(provider: Provider, id: WorkspaceId): Promise<Connection> {
  const container = await containerOf(provider, id)
  if (container?.state.kind !== 'running') expect.fail(`running was expected, not ${JSON.stringify(container)}`)
  return container.state.connection
}

/** Watches a provider. `waitFor` resolves with the first matching notice, past or future. */
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
