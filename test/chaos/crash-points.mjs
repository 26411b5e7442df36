// Loaded into the built service with `node --import`, and not part of it. Counts the points at which a crash may separate two related
// steps, and kills the process with SIGKILL at one of them. The points are the calls of SQLite, of the engine's client and of the HTTP
// server, so new steps in the service are covered automatically.
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { writeSync } from 'node:fs'

const require = createRequire(import.meta.url)

/** @type {Map<string, number>} Passes of each kind of point since arming. */
const passed = new Map()
/** @type {{ kind: string, nth: number } | undefined} */
let armed

/** @param {string} kind */
function point(kind) {
  const count = (passed.get(kind) ?? 0) + 1
  passed.set(kind, count)
  if (armed?.kind !== kind || count < armed.nth) return
  // Both calls are synchronous: nothing after this point runs.
  writeSync(2, `killed at ${kind} ${count}\n`)
  process.kill(process.pid, 'SIGKILL')
}

/**
 * @param {object} owner
 * @param {string} name
 * @param {(original: Function) => Function} wrap
 */
function around(owner, name, wrap) {
  owner[name] = wrap(owner[name])
}

// Every write to SQLite is the `run` of a statement, including COMMIT.
const Database = require('better-sqlite3')
const memory = new Database(':memory:')
around(
  Object.getPrototypeOf(memory.prepare('BEGIN')),
  'run',
  (run) =>
    function (...values) {
      const kind = this.source === 'COMMIT' ? 'commit' : 'statement'
      point(`${kind}.before`)
      const result = run.apply(this, values)
      point(`${kind}.after`)
      return result
    },
)
memory.close()

const http = require('node:http')
around(
  http,
  'request',
  (request) =>
    function (...values) {
      point('call.before')
      const clientRequest = request.apply(this, values)
      clientRequest.prependListener('response', () => point('call.after'))
      return clientRequest
    },
)
syncBuiltinESMExports()

around(
  http.ServerResponse.prototype,
  'end',
  (end) =>
    function (...values) {
      point('reply.before')
      const result = end.apply(this, values)
      point('reply.after')
      return result
    },
)

process.on('message', (message) => {
  armed = message
  passed.clear()
})
process.channel?.unref()
const atStart = process.env['CHAOS_ARMED']
if (atStart !== undefined) armed = JSON.parse(atStart)
