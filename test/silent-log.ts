import type { Log } from '../src/workspace/log.ts'

/** A log that discards everything. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
