import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import type { Notice, Provider } from '../../src/provider/provider.ts'
import type { Connection, Found } from '../../src/workspace/container.ts'
import type { Fault, Outcome } from '../../src/workspace/fault.ts'
import { newWorkspaceId, type WorkspaceId } from '../../src/workspace/id.ts'
import type { Recipe } from '../../src/workspace/recipe.ts'
import type { Subject } from '../../src/workspace/subject.ts'

/** One installation on a real or imitated engine, and the hands of somebody who stands beside it. */
export interface Bench {
  readonly provider: Provider
  /** A recipe that this engine can make: an image with `sh` in it, no lifecycle commands. */
  recipe(partial?: Partial<Recipe>): Recipe
  /** Kills the container's main process from outside, with SIGKILL. Settles when the container has ended. */
  kill(containerId: string): Promise<void>
  /** Makes the container not exist, behind the provider's back. */
  removeByHand(containerId: string): Promise<void>
  /** Another provider object on the same engine for the same installation, as after a restart of the service. */
  again(): Provider
  /** A provider of another installation on the same engine. */
  other(): Provider
  /** Ends whatever the bench has started and removes whatever it has made. */
  close(): Promise<void>
}

/** A signal that nobody aborts. */
export function unhurried(): AbortSignal {
  return new AbortController().signal
}

/** A recipe without lifecycle commands, environment or ports. */
export function plainRecipe(partial: Partial<Recipe> = {}): Recipe {
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
export function newSubject(recipe: Recipe, partial: Partial<Subject> = {}): Subject {
  const id = newWorkspaceId()
  const bare = { id, owner: 'ada', name: `w-${id.slice(0, 8)}`, template: 'base', recipe }
  return { ...bare, imageId: null, containerId: null, prepared: false, ...partial }
}

/** The value of an outcome that ought to be one; the test fails with the fault otherwise. */
export function valueOf<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) expect.fail(`${outcome.fault.again}: ${outcome.fault.message}`)
  return outcome.value
}

/** The fault of an outcome that ought to be one. */
export function faultOf<T>(outcome: Outcome<T>): Fault {
  if (outcome.ok) expect.fail(`a fault was expected, not ${JSON.stringify(outcome.value)}`)
  return outcome.fault
}

/** The subject after the steps `image` and `container`. */
export async function made(provider: Provider, subject: Subject): Promise<Subject & { readonly containerId: string }> {
  const { imageId } = valueOf(await provider.image(subject, unhurried(), () => undefined))
  const { containerId } = valueOf(await provider.container({ ...subject, imageId }, unhurried()))
  return { ...subject, imageId, containerId }
}

/** The subject after the steps `image`, `container` and `boot`. */
export async function up(provider: Provider, subject: Subject): Promise<Subject & { readonly containerId: string }> {
  const ready = await made(provider, subject)
  valueOf(await provider.boot(ready, unhurried()))
  return ready
}

/** Runs the subject's lifecycle commands to their end. */
export function setup(provider: Provider, subject: Subject): Promise<Outcome<void>> {
  return provider.setup(subject, unhurried(), () => undefined)
}

/** What the provider sees of one workspace; `inspect` and `inventory` have to agree on it, and there may be one at most. */
export async function seen(provider: Provider, id: WorkspaceId): Promise<Found | null> {
  const listed = valueOf(await provider.inventory(unhurried())).filter((found) => found.workspaceId === id)
  const inspected = valueOf(await provider.inspect(id, unhurried()))
  expect(listed).toEqual(inspected === null ? [] : [inspected])
  return inspected
}

/** The kind of state that the provider sees the workspace's container in; `none` if there is no container. */
export async function stateOf(provider: Provider, id: WorkspaceId): Promise<'none' | 'made' | 'running' | 'exited'> {
  return (await seen(provider, id))?.state.kind ?? 'none'
}

/** What a shell script prints in a running container: a command that fails is the port's only way to show output. */
export async function printed(provider: Provider, subject: Subject, script: string): Promise<string> {
  const mark = randomUUID()
  const postStart = [{ name: 'postStartCommand', run: `echo ${mark}\n${script}\nexit 9` }]
  const asked = { ...subject, prepared: true, recipe: { ...subject.recipe, postStart } }
  const { again, message } = faultOf(await setup(provider, asked))
  expect(again).toBe('never')
  return message.slice(message.lastIndexOf(mark) + mark.length).trim()
}

/** How the container is reached while it runs. */
export async function connectionOf(provider: Provider, id: WorkspaceId): Promise<Connection> {
  const found = await seen(provider, id)
  if (found?.state.kind !== 'running') expect.fail(`running was expected, not ${JSON.stringify(found)}`)
  return found.state.connection
}

/** Follows a provider; `until` settles with the first notice that fits, heard already or still to come. */
export function listen(provider: Provider): {
  readonly heard: readonly Notice[]
  until(fits: (notice: Notice) => boolean): Promise<Notice>
  close(): void
} {
  const heard: Notice[] = []
  const waiting = new Set<() => void>()
  const watch = provider.watch((notice) => {
    heard.push(notice)
    for (const look of waiting) look()
  })
  const until = (fits: (notice: Notice) => boolean) =>
    new Promise<Notice>((resolve) => {
      const look = () => {
        const first = heard.find(fits)
        if (first === undefined) return
        waiting.delete(look)
        resolve(first)
      }
      waiting.add(look)
      look()
    })
  return { heard, until, close: () => watch.close() }
}
