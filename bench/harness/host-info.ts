import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { z } from 'zod'
import { dockerClient } from '../../test/engine/docker-client.ts'
import { liveEngine } from '../../test/engine/live-engine.ts'
import { medianFsyncMs, roundTo } from '../statistics.ts'

export interface HostInfo {
  readonly cores: number
  readonly memoryGiB: number
  /** Median duration of an fsync after a small write, on the disk of the databases. */
  readonly fsyncMs: number
  readonly versions: Readonly<Record<string, string>>
}

/** Describes the machine. The fsync is measured in `folder`. */
export async function hostInfo(folder: string): Promise<HostInfo> {
  const target = await liveEngine({ ...process.env, VM_API_REQUIRE_ENGINE: '' })
  const engine = target && z.object({ Version: z.string() }).parse(await dockerClient(target).version()).Version
  const db = new BetterSqlite3(':memory:')
  const sqlite = String(db.prepare('SELECT sqlite_version()').pluck().get())
  db.close()
  return {
    cores: cpus().length,
    memoryGiB: roundTo(totalmem() / 2 ** 30, 1),
    fsyncMs: roundTo(medianFsyncMs(join(folder, 'fsync'), 200), 3),
    versions: {
      node: process.versions.node,
      sqlite,
      xstate: installedVersion('xstate'),
      fastify: installedVersion('fastify'),
      engine: engine ?? 'none',
    },
  }
}

function installedVersion(name: string): string {
  const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(manifest, 'utf8'))).version
}
