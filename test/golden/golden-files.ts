import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { workspaceMachineVersion } from '../../src/machines/snapshot-upgrades.ts'
import { migrations } from '../../src/persistence/migrations.ts'

/** The versions that identify a golden database. */
export interface GoldenVersions {
  readonly schema: number
  readonly machine: number
}

/** The versions of this code. */
export const currentVersions: GoldenVersions = { schema: migrations.length, machine: workspaceMachineVersion }

/** The path of the golden database of these versions. */
export function goldenFile({ schema, machine }: GoldenVersions): string {
  return join(import.meta.dirname, `schema-${schema}-machine-${machine}.sql`)
}

/** The versions with a golden database, oldest first. */
export function storedVersions(): readonly GoldenVersions[] {
  return readdirSync(import.meta.dirname)
    .flatMap((name) => {
      const [, schema, machine] = /^schema-(\d+)-machine-(\d+)\.sql$/.exec(name) ?? []
      return schema === undefined ? [] : [{ schema: Number(schema), machine: Number(machine) }]
    })
    .toSorted((a, b) => a.schema - b.schema || a.machine - b.machine)
}
