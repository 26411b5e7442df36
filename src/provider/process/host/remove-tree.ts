import { chmod, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { systemErrorCode } from './system-error.ts'

/**
 * Removes a directory with its content, without following links. Makes read-only directories, which some package caches contain, writable
 * first. Success if the directory does not exist.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await removeOnce(path)
  } catch (error) {
    if (systemErrorCode(error) !== 'EACCES' && systemErrorCode(error) !== 'EPERM') throw error
    await makeWritable(path)
    await removeOnce(path)
  }
}

function removeOnce(path: string): Promise<void> {
  // ENOTEMPTY: another call is removing the same directory, or a process that is about to exit still wrote to it.
  return rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
}

async function makeWritable(path: string): Promise<void> {
  await chmod(path, 0o700)
  for (const entry of await readdir(path, { withFileTypes: true }))
    if (entry.isDirectory()) await makeWritable(join(path, entry.name))
}
