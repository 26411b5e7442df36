import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { z } from 'zod'
import { clientOf } from '../test/engine/client.ts'
import { liveEngine } from '../test/engine/live-engine.ts'
import { median, rounded } from './measure.ts'

export interface Machine {
  readonly cores: number
  readonly memoryGiB: number
  /** Median of an fsync after a small write, on the disk that the databases are on. */
  readonly fsyncMs: number
  readonly versions: Readonly<Record<string, string>>
}

/** The machine that this runs on, with its disk measured in `folder`. */
export async function machine(folder: string): Promise<Machine> {
  const target = await liveEngine({ ...process.env, VM_API_REQUIRE_ENGINE: '' })
  const engine = target && z.object({ Version: z.string() }).parse(await clientOf(target).version()).Version
  const db = new BetterSqlite3(':memory:')
  const sqlite = String(db.prepare('SELECT sqlite_version()').pluck().get())
  db.close()
  return {
    cores: cpus().length,
    memoryGiB: rounded(totalmem() / 2 ** 30, 1),
    fsyncMs: rounded(fsyncMs(folder), 3),
    versions: {
      node: process.versions.node,
      sqlite,
      xstate: installed('xstate'),
      fastify: installed('fastify'),
      engine: engine ?? 'none',
    },
  }
}

function installed(name: string): string {
  const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(manifest, 'utf8'))).version
}

function fsyncMs(folder: string): number {
  const file = openSync(join(folder, 'fsync'), 'w')
  const times = Array.from({ length: 200 }, () => {
    writeSync(file, 'x')
    const began = performance.now()
    fsyncSync(file)
    return performance.now() - began
  })
  closeSync(file)
  return median(times)
}
