import { existsSync, readdirSync } from 'node:fs'
import type { AnyStateMachine } from 'xstate'
import { StateMachine } from 'xstate'
import type { EventGroup } from './table.ts'

export interface FoundMachine {
  readonly machine: AnyStateMachine
  /** Its file's name: `workspace-machine.ts`. */
  readonly file: string
  readonly groups: readonly EventGroup[]
}

/**
 * Every machine that a `*-machine.ts` in `folder` exports. Its groups of events are the lists of names that the `*-event.ts`
 * beside it exports: `userCommands` becomes "User commands". Two machines of one id are an error: their charts would be one file.
 */
export async function machinesIn(folder: URL): Promise<readonly FoundMachine[]> {
  const found: FoundMachine[] = []
  const files = readdirSync(folder).filter((it) => /-machine\.(ts|js)$/.test(it))
  for (const file of files.sort()) {
    const events = new URL(file.replace('-machine.', '-event.'), folder)
    const groups = existsSync(events) ? groupsOf(await exportsOf(events)) : []
    for (const machine of Object.values(await exportsOf(new URL(file, folder)))) {
      if (!(machine instanceof StateMachine)) continue
      const twin = found.find((it) => it.machine.id === machine.id)
      if (twin) throw new Error(`${twin.file} and ${file} both have a machine "${machine.id}": give one another id`)
      found.push({ machine, file, groups })
    }
  }
  return found
}

async function exportsOf(module: URL): Promise<Record<string, unknown>> {
  const exported: object = await import(module.href)
  return Object.fromEntries(Object.entries(exported).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function groupsOf(exported: Record<string, unknown>): readonly EventGroup[] {
  return Object.entries(exported).flatMap(([name, value]) =>
    isNames(value) ? [{ title: titled(name), types: value }] : [],
  )
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((it) => typeof it === 'string')
}

function titled(name: string): string {
  const words = name.replaceAll(/[A-Z]/g, (it) => ` ${it.toLowerCase()}`)
  return words.charAt(0).toUpperCase() + words.slice(1)
}
