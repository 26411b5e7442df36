import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A small disk for a test, quickly full. */
export interface SmallDisk {
  readonly folder: string
  /** Fills the disk except for the given space. */
  fill(exceptBytes?: number): void
  /** Frees the space again. */
  clear(): void
  /** Remounts it read-only, or writable again. No file on it may be open for writing. */
  remount(mode: 'ro' | 'rw'): void
  /** Removes the disk and its contents. */
  close(): void
}

/** True if this machine permits mounts: Linux, as root, and not in a container that forbids them. */
export function canMountDisks(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  try {
    smallDisk().close()
    return true
  } catch {
    return false
  }
}

export function smallDisk(bytes = 1024 * 1024): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'vm-api-disk-'))
  const ballast = join(folder, 'ballast')
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=700`, 'tmpfs', folder], { stdio: 'pipe' })
  } catch (error) {
    rmdirSync(folder)
    throw error
  }
  return {
    folder,
    fill(exceptBytes = 0) {
      const { bavail, bsize } = statfsSync(folder)
      const file = openSync(ballast, 'a')
      try {
        for (let remaining = bavail * bsize - exceptBytes; remaining >= bsize; remaining -= bsize)
          writeSync(file, Buffer.alloc(bsize))
      } finally {
        closeSync(file)
      }
    },
    clear: () => rmSync(ballast, { force: true }),
    remount: (mode) => void execFileSync('mount', ['-o', `remount,${mode}`, folder], { stdio: 'pipe' }),
    close() {
      execFileSync('umount', ['-l', folder], { stdio: 'pipe' }) // lazily: what a failed test left running may hold it
      rmdirSync(folder)
    },
  }
}
