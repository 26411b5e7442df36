import { mkdirSync, writeFileSync } from 'node:fs'
import ELK from 'elkjs/lib/elk.bundled.js'
import { discoverMachines } from './machine-discovery.ts'
import { statechartPages } from './pages.ts'

// `npm run charts`: generates docs/statecharts from the machines.
const folder = new URL('../../docs/statecharts/', import.meta.url)
mkdirSync(folder, { recursive: true })
for (const [name, content] of await statechartPages(
  await discoverMachines(new URL('../machines/', import.meta.url)),
  new ELK.default(),
)) {
  writeFileSync(new URL(name, folder), content)
  process.stdout.write(`docs/statecharts/${name}\n`)
}
