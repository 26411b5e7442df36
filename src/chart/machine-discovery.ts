import { existsSync, readdirSync } from 'node:fs'
import type { AnyStateMachine } from 'xstate'
import { StateMachine } from 'xstate'
import type { EventGroup } from './event-tables.ts'

export interface DiscoveredMachine {
  readonly machine: AnyStateMachine
  /** The name of its file: `workspace-machine.ts`. */
  readonly file: string
  readonly groups: readonly EventGroup[]
}

/**
 * Finds every machine that a `*-machine.ts` in `folder` exports. The string arrays that the `*-event.ts` beside it exports become its
 * groups of events: `userCommands` is titled "User commands". Throws if two machines share an id, since their charts would share a file.
 */
export async function discoverMachines(folder: URL): Promise<readonly DiscoveredMachine[]> {
  const discovered: DiscoveredMachine[] = []
  const files = readdirSync(folder).filter((name) => /-machine\.(ts|js)$/.test(name))
  for (const file of files.sort()) {
    const eventFile = new URL(file.replace('-machine.', '-event.'), folder)
    const groups = existsSync(eventFile) ? groupsOf(await exportsOf(eventFile)) : []
    for (const machine of Object.values(await exportsOf(new URL(file, folder)))) {
      if (!(machine instanceof StateMachine)) continue
      const duplicate = discovered.find((other) => other.machine.id === machine.id)
      if (duplicate)
        throw new Error(
          `${duplicate.file} and ${file} both export a machine "${machine.id}". Give one of them another id`,
        )
      discovered.push({ machine, file, groups })
    }
  }
  return discovered
}

async function exportsOf(module: URL): Promise<Record<string, unknown>> {
  const exported: object = await import(module.href)
  return Object.fromEntries(Object.entries(exported).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function groupsOf(exported: Record<string, unknown>): readonly EventGroup[] {
  return Object.entries(exported).flatMap(([name, value]) =>
    isStringArray(value) ? [{ title: titleOf(name), types: value }] : [],
  )
}

function isStringArray(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((element) => typeof element === 'string')
}

function titleOf(name: string): string {
  const words = name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
  return words.charAt(0).toUpperCase() + words.slice(1)
}
