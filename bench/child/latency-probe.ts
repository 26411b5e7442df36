// Requests a URL at a fixed rate until stdin ends. A late response does not delay the next request.
import { Agent, get } from 'node:http'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { z } from 'zod'
import { writeResult, readInput } from './child-io.ts'

const { url, intervalMs } = readInput(z.object({ url: z.string(), intervalMs: z.number() }))

// Node's timers have a resolution of 1 ms, longer than a response takes, so a worker thread sleeps until a request is due.
function runTicker(): void {
  const sleepCell = new Int32Array(new SharedArrayBuffer(4))
  const now = () => performance.timeOrigin + performance.now() // the threads have different time origins
  for (let due = now() + intervalMs; ; due += intervalMs) {
    Atomics.wait(sleepCell, 0, 0, Math.max(0, due - now()))
    parentPort?.postMessage(due, [])
  }
}

function probeAtEachTick(): void {
  const agent = new Agent({ keepAlive: true })
  /** Per request, both counted from its due time: the delay until it was sent, and until its response was complete. */
  const samples: { sendDelayMs: number; latencyMs: number }[] = []
  const msSince = (due: number) => performance.timeOrigin + performance.now() - due
  let openRequests = 0
  let isStopping = false
  const ticker = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) })

  function sendRequest(due: number): void {
    if (isStopping) return
    const sendDelayMs = msSince(due)
    openRequests += 1
    get(url, { agent }, (response) => {
      if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}`)
      response.resume().on('end', () => {
        samples.push({ sendDelayMs, latencyMs: msSince(due) })
        openRequests -= 1
        if (isStopping && openRequests === 0) finish()
      })
    })
  }

  function finish(): void {
    agent.destroy()
    writeResult({
      sendDelaysMs: samples.map((sample) => sample.sendDelayMs),
      latenciesMs: samples.map((sample) => sample.latencyMs),
    })
  }

  ticker.on('message', sendRequest)
  process.stdin.resume().on('end', () => {
    isStopping = true
    void ticker.terminate()
    if (openRequests === 0) finish()
  })
}

if (isMainThread) probeAtEachTick()
else runTicker()
