import { mkdirSync, writeFileSync } from 'node:fs'
import ELK from 'elkjs/lib/elk.bundled.js'
import { machinesIn } from './discover.ts'
import { pages } from './page.ts'

// `npm run charts`: writes docs/statecharts from the machines.
const folder = new URL('../../docs/statecharts/', import.meta.url)
mkdirSync(folder, { recursive: true })
for (const [name, text] of await pages(await machinesIn(new URL('../machines/', import.meta.url)), new ELK.default())) {
  writeFileSync(new URL(name, folder), text)
  process.stdout.write(`docs/statecharts/${name}\n`)
}
