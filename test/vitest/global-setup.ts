import { execFileSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const src = join(root, 'src')

/** Where the console is built to. Its page is the last that a build writes. */
export const consoleFolder = join(root, 'dist/console')

/** Programs and the console are tested as users run them: built. Done once, and only if a source is newer. */
export function setup(): void {
  const newestSource = Math.max(
    ...readdirSync(src, { recursive: true, encoding: 'utf8' }).map((name) => statSync(join(src, name)).mtimeMs),
  )
  const builtAt = statSync(join(consoleFolder, 'index.html'), { throwIfNoEntry: false })?.mtimeMs ?? 0
  if (builtAt < newestSource)
    execFileSync('npm', ['run', '--silent', 'build'], {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, NODE_ENV: 'production' },
    })
}
