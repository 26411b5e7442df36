// Loaded into the built service before it starts (`node --import`), and never a part of it: counts the points at which a crash may come
// between two things that belong together, and ends the process at one of them with SIGKILL. The points are where SQLite, the engine's
// client and the HTTP server are called, so a step that is new in the service has its points without a line here.
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { writeSync } from 'node:fs'

const require = createRequire(import.meta.url)

/** @type {Map<string, number>} How often each kind of point was passed since it was armed. */
const passed = new Map()
/** @type {{ kind: string, nth: number } | undefined} */
let armed

/** @param {string} kind */
function point(kind) {
  const count = (passed.get(kind) ?? 0) + 1
  passed.set(kind, count)
  if (armed?.kind !== kind || count < armed.nth) return
  // Both are done before the process runs another line: nobody hears of what stood at this point.
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

// Every write of SQLite's is the `run` of some statement, COMMIT too.
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
      const asked = request.apply(this, values)
      asked.prependListener('response', () => point('call.after'))
      return asked
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
