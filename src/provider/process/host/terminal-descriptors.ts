import type { StdioOptions } from 'node:child_process'
import { openSync } from 'node:fs'

// node-pty's descriptors are inherited by every child of this process. A shell that holds the master of a terminal, its own above all, is
// not hung up when the service dies. File descriptors belong to the process as a whole, and so does this set of them.
const terminalDescriptors = new Set<number>()
let devNullDescriptor: number | undefined

export function registerTerminalDescriptor(descriptor: number): void {
  terminalDescriptors.add(descriptor)
}

export function unregisterTerminalDescriptor(descriptor: number): void {
  terminalDescriptors.delete(descriptor)
}

/** The `stdio` of a child, with /dev/null in place of the open terminals' descriptors. */
export function stdioWithoutTerminals(stdio: readonly ('ignore' | 'pipe' | number)[]): StdioOptions {
  if (terminalDescriptors.size === 0) return [...stdio]
  devNullDescriptor ??= openSync('/dev/null', 'r+')
  const stdioWithGaps: ('ignore' | 'pipe' | number)[] = [...stdio]
  for (let descriptor = stdio.length; descriptor <= Math.max(...terminalDescriptors); descriptor += 1)
    stdioWithGaps.push(terminalDescriptors.has(descriptor) ? devNullDescriptor : 'ignore')
  return stdioWithGaps
}
