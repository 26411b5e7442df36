import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { installation } from '../src/persistence/installation.ts'
import type { DockerTarget } from '../src/provider/docker/target.ts'
import { readTemplates } from '../src/template/templates.ts'
import type { Recipe } from '../src/workspace/recipe.ts'
import { clientOf, sweep } from '../test/engine/client.ts'
import { baseImage, ensureBaseImage } from '../test/engine/images.ts'
import { liveEngine } from '../test/engine/live-engine.ts'
import { byHand } from './by-hand.ts'
import { creates } from './creates.ts'
import type { Measure } from './measure.ts'
import { median, pairs, rounded } from './measure.ts'
import { startOn } from './service.ts'

const name = 'POST create until running is committed, Docker, image present'
const mostRatio = 1.15

/** How long a create takes by the journal's times, and how long the same engine takes when it is asked by hand. */
export const create: Measure = async ({ folder, quick }) => {
  const target = await liveEngine()
  if (!target) return { kind: 'skipped', name, why: 'no Docker engine answers' }
  const docker = clientOf(target)
  await ensureBaseImage(docker)
  const path = join(folder, 'create.db')
  const templates = join(folder, 'templates')
  const recipe = templateIn(templates)
  const service = await startOn(path, { DOCKER_HOST: hostOf(target), VM_API_TEMPLATES_DIR: templates })
  const hand = await byHand(docker, recipe, `vm-api-bench-${randomBytes(4).toString('hex')}`)
  try {
    const { one, remove } = creates(service)
    const ours = async () => {
      const told = await one()
      await remove(told.id)
      return told
    }
    for (let n = 0; n < 2; n += 1) await Promise.all([ours(), hand.once()]) // network and connections are there by then
    const { a, b } = await pairs(quick ? 3 : 30, ours, () => hand.once())
    const ratio = median(a.map(({ ms }) => ms)) / median(b)
    const steps = Object.keys(a[0]?.steps ?? {}).map((event) => [
      `ours, until ${event}, ms`,
      median(a.map((told) => told.steps[event] ?? Number.NaN)),
    ])
    return {
      kind: 'measured',
      name,
      against: 'the same calls to the engine through dockerode by hand',
      ratio,
      target: `≤ ${mostRatio}`,
      ok: ratio <= mostRatio,
      figures: {
        pairs: a.length,
        'ours, ms': rounded(median(a.map(({ ms }) => ms)), 0),
        'by hand, ms': rounded(median(b), 0),
        ...Object.fromEntries(steps),
      },
    }
  } finally {
    await service.close()
    await hand.close()
    await sweep(docker, installationIn(path))
  }
}

function templateIn(dir: string): Recipe {
  mkdirSync(join(dir, 'base'), { recursive: true })
  const limits = { cpus: 1, memory: '256m', pids: 128 }
  const definition = { image: baseImage, customizations: { 'vm-api': limits } }
  writeFileSync(join(dir, 'base/devcontainer.json'), JSON.stringify(definition))
  const read = readTemplates(dir)
  const base = read.kind === 'read' ? read.templates.get('base') : undefined
  if (!base) throw new Error(`the template in ${dir} cannot be read`)
  return base.recipe
}

function hostOf({ at }: DockerTarget): string {
  return at.kind === 'socket' ? `unix://${at.path}` : `tcp://${at.host}:${at.port}`
}

function installationIn(path: string): string {
  const db = new BetterSqlite3(path)
  const id = installation(db).id()
  db.close()
  return id
}
