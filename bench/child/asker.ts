// Asks for a URL at a steady pace until its stdin ends, whether or not answers come: one that is late holds up no other.
import { Agent, get } from 'node:http'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { z } from 'zod'
import { answer, inputOf } from './input.ts'

const { url, everyMs } = inputOf(z.object({ url: z.string(), everyMs: z.number() }))

// Node's timers count in whole milliseconds, which is more than an answer takes: another thread sleeps until a request is due.
function beat(): void {
  const nobody = new Int32Array(new SharedArrayBuffer(4))
  const wall = () => performance.timeOrigin + performance.now() // the two threads count from different moments
  for (let due = wall() + everyMs; ; due += everyMs) {
    Atomics.wait(nobody, 0, 0, Math.max(0, due - wall()))
    parentPort?.postMessage(due, [])
  }
}

function askAtEachBeat(): void {
  const agent = new Agent({ keepAlive: true })
  /** Of each request: how late it was sent, and when its answer was whole, both counted from when it was due. */
  const asked: { late: number; took: number }[] = []
  const since = (due: number) => performance.timeOrigin + performance.now() - due
  let open = 0
  let ended = false
  const beats = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) })

  function ask(due: number): void {
    if (ended) return
    const late = since(due)
    open += 1
    get(url, { agent }, (response) => {
      if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}`)
      response.resume().on('end', () => {
        asked.push({ late, took: since(due) })
        open -= 1
        if (ended && open === 0) finish()
      })
    })
  }

  function finish(): void {
    agent.destroy()
    answer({ late: asked.map((it) => it.late), took: asked.map((it) => it.took) })
  }

  beats.on('message', ask)
  process.stdin.resume().on('end', () => {
    ended = true
    void beats.terminate()
    if (open === 0) finish()
  })
}

if (isMainThread) askAtEachBeat()
else beat()
