import { execFileSync } from 'node:child_process'
import { readdirSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const src = join(root, 'src')

/** Programs that are run as users run them are compiled: a loader would make each start of one slow. Done once, and only if a source is newer. */
export function setup(): void {
  const newest = Math.max(
    ...readdirSync(src, { recursive: true, encoding: 'utf8' }).map((name) => statSync(join(src, name)).mtimeMs),
  )
  const stamp = join(root, 'dist/.tsbuildinfo')
  const done = statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0
  if (done > newest) return
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
  utimesSync(stamp, new Date(), new Date()) // it is not written anew if nothing of it has changed
}
