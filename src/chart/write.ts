import { mkdirSync, writeFileSync } from 'node:fs'
import { machinesIn } from './discover.ts'
import { pages } from './page.ts'

// `npm run charts`: writes docs/statecharts from the machines.
const folder = new URL('../../docs/statecharts/', import.meta.url)
mkdirSync(folder, { recursive: true })
for (const [name, text] of pages(await machinesIn(new URL('../machines/', import.meta.url)))) {
  writeFileSync(new URL(name, folder), text)
  process.stdout.write(`docs/statecharts/${name}\n`)
}
