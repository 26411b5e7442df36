// Benchmarks run compiled code with plain `node`, as in production, so that no loader is measured.
import { execFile, execFileSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { z } from 'zod'

const benchFolder = join(dirname(fileURLToPath(import.meta.url)), '..')
const root = join(benchFolder, '..')
const outputFolder = join(benchFolder, 'out/built')

/** The service's entry point, compiled. */
export const serviceEntry = join(outputFolder, 'src/main.js')

/** Compiles the service and the benchmarks' child processes. */
export function buildBenchmarks(): void {
  execFileSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(benchFolder, 'tsconfig.json')],
    {
      stdio: 'inherit',
    },
  )
  const vite = join(root, 'node_modules/vite/bin/vite.js')
  execFileSync(
    process.execPath,
    [vite, 'build', '--logLevel', 'error', '--outDir', join(outputFolder, 'dist/console'), '--emptyOutDir'],
    {
      cwd: root,
      stdio: 'inherit',
    },
  )
  // The service reads these next to its compiled folder.
  cpSync(join(root, 'package.json'), join(outputFolder, 'package.json'))
  cpSync(join(root, 'templates'), join(outputFolder, 'templates'), { recursive: true })
  cpSync(join(root, 'docs/statecharts'), join(outputFolder, 'docs/statecharts'), { recursive: true })
}

export interface ChildOptions {
  /** Flags for Node. */
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Runs `bench/child/<name>.ts` in a separate process. Returns the JSON that it prints. */
export async function runChild<T>(
  name: string,
  input: object,
  schema: z.ZodType<T>,
  { flags = [], env = {} }: ChildOptions = {},
): Promise<T> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...flags, join(outputFolder, `bench/child/${name}.js`), JSON.stringify(input)],
    { env: { ...process.env, NODE_ENV: 'production', ...env }, maxBuffer: 16 * 1024 * 1024 },
  )
  return schema.parse(JSON.parse(stdout))
}

/** The compiled entry point of a long-running child. */
export const childEntry = (name: string) => join(outputFolder, `bench/child/${name}.js`)
