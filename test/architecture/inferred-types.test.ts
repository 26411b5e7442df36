import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { expect, onTestFinished, test } from 'vitest'
import { folderRules } from './folder-rules.ts'
import { arrivingPorts } from './inferred-types.ts'
import { roomOf, sourceFiles, sourceRoot } from './source-files.ts'

/** The ports that a room receives without being allowed to import them, each with the files and imports that bring them. */
function violations(root: string, files: readonly string[], options: ts.CompilerOptions): Record<string, string[]> {
  const imports: Record<string, string[]> = {}
  for (const { file, imported, port } of arrivingPorts(root, files, options)) {
    const allowed = folderRules[roomOf(file)]?.folders ?? []
    if (allowed === 'everything' || allowed.includes(port.room) || allowed.includes(`type:${port.room}`)) continue
    const violation = `${roomOf(file)} receives ${port.type} of ${port.room}`
    imports[violation] = [...(imports[violation] ?? []), `src/${file} by ${imported}`]
  }
  return imports
}

test('no room receives a port of a room that it may not import, not even by inference', { timeout: 60_000 }, () => {
  const { config } = ts.readConfigFile(join(sourceRoot, '../tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, join(sourceRoot, '..'))
  const files = sourceFiles.filter((file) => !file.startsWith('console/')) // the console has compiler options of its own
  expect(violations(sourceRoot, files, options)).toEqual({})
})

test('a port that arrives as a member of a return type is found, and plain data is not', () => {
  const root = mkdtempSync(join(tmpdir(), 'vm-api-types-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const texts = {
    'provider/guest.ts': 'export interface Guest { exec(): void }\nexport interface Usage { readonly cpus: number }',
    'supervisor/supervisor.ts': `
      import type { Guest, Usage } from '../provider/guest.ts'
      declare const guest: Guest | null, usage: Usage
      export const createSupervisor = () => ({ resolve: () => ({ guest }), usage: () => usage })
      export type Supervisor = ReturnType<typeof createSupervisor>`,
    'http/route.ts': `import type { Supervisor } from '../supervisor/supervisor.ts'\nexport type Route = Supervisor`,
    'metrics/metrics.ts': `import type { Supervisor } from '../supervisor/supervisor.ts'\nexport type Source = Supervisor`,
  }
  for (const [file, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  const options = { types: [], allowImportingTsExtensions: true, noEmit: true, strict: true }
  expect(violations(root, Object.keys(texts), options)).toEqual({
    'http receives Guest of provider': ['src/http/route.ts by Supervisor'],
  })
})
