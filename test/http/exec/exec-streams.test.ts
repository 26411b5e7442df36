import { createHash, randomBytes } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { ExecLine } from '../../../src/wire/runtime/exec.ts'
import type { ExecWorkspace } from './exec-client.ts'
import { streamBytes, endLine, lineByLine, readLines, openExecWorkspace, readText } from './exec-client.ts'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const mib = 1024 * 1024

const droppedBytesIn = (lines: readonly ExecLine[]) =>
  lines.reduce((sum, line) => sum + ('dropped_bytes' in line ? line.dropped_bytes : 0), 0)

/** Starts a command and disconnects at once. */
async function startAndDisconnect({ start }: Pick<ExecWorkspace, 'start'>, request: object): Promise<void> {
  const response = await start(request)
  response.destroy()
}

/** Waits until a command has ended without reading its output. Polls: only the list shows the end. */
async function untilEnded(workspace: ExecWorkspace, execId: string): Promise<void> {
  const list = (await workspace.inject('GET', `/api/v1/workspaces/${workspace.id}/exec`)).json()
  const found = z.array(z.object({ exec_id: z.string(), status: z.string() })).parse(list)
  if (found.some(({ exec_id, status }) => exec_id === execId && status === 'ended')) return
  await new Promise((resolve) => setTimeout(resolve, 5))
  await untilEnded(workspace, execId)
}

test('a reader that reconnects again and again misses no line and receives none twice', async () => {
  const { send: sendRequest, start } = await openExecWorkspace()
  const command = 'i=0; while [ $i -lt 4000 ]; do echo "line $i"; i=$((i+1)); done; exit 5'
  const lines: ExecLine[] = []
  let response = await start({ command, exec_id: 'cut' })
  for (let cuts = 0; endLine(lines) === undefined; cuts += 1) {
    for await (const line of lineByLine(response)) {
      lines.push(line)
      if (lines.length % 7 === 0 && cuts < 20) break // cuts the connection
    }
    if (endLine(lines) === undefined) response = await sendRequest('GET', `/cut?after=${lines.at(-1)?.seq}&follow=true`)
  }
  expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, at) => at + 1))
  expect(String(streamBytes(lines))).toBe(Array.from({ length: 4000 }, (_, n) => `line ${n}\n`).join(''))
  expect(endLine(lines)).toMatchObject({ exit_code: 5 })
})

test('a second reader receives the same lines as the first', async () => {
  const { run, read } = await openExecWorkspace()
  const first = await run({ command: 'seq 1 20000; printf "\\303"; echo >&2; printf "\\244\\377"', exec_id: 'two' })
  expect(await read('two')).toEqual(first)
  expect(await read('two', '?after=1')).toEqual(first.slice(1))
  expect(await read('two', `?after=${first.length}&follow=true`)).toEqual([])
})

test('a read of dropped output is 410 with the oldest available line, and the rest can be read', async () => {
  const workspace = await openExecWorkspace({ exec: { limits: { maxBytes: 10_000, maxLineBytes: 1000 } } })
  await startAndDisconnect(workspace, { command: 'head -c 200000 /dev/zero | tr "\\0" x', exec_id: 'much' })
  await untilEnded(workspace, 'much')
  const dropped = await workspace.send('GET', '/much?after=0')
  const text = await readText(dropped)
  expect([dropped.statusCode, JSON.parse(text)]).toMatchObject([410, { code: 'output-gone' }])
  const oldest = Number(/seq (\d+)/.exec(text)?.[1])
  const remaining = await workspace.read('much', `?after=${oldest - 1}`)
  expect(remaining[0]?.seq).toBe(oldest)
  expect(streamBytes(remaining).length).toBeGreaterThan(8000)
  expect(streamBytes(remaining).length).toBeLessThanOrEqual(10_000)
  const all = await workspace.read('much')
  expect(all[0]).toEqual({ seq: oldest - 1, dropped_bytes: 200_000 - streamBytes(remaining).length })
  expect(all.slice(1)).toEqual(remaining)
  const beyond = await workspace.send('GET', `/much?after=${(all.at(-1)?.seq ?? 0) + 1}`)
  expect([beyond.statusCode, JSON.parse(await readText(beyond))]).toMatchObject([
    400,
    { details: [{ field: 'after' }] },
  ])
})

test('a command without a reader is never blocked, however much it writes', async () => {
  const workspace = await openExecWorkspace()
  await startAndDisconnect(workspace, { command: `head -c ${64 * mib} /dev/zero`, exec_id: 'alone' })
  await untilEnded(workspace, 'alone')
  const lines = await workspace.read('alone')
  expect(streamBytes(lines).length).toBeLessThanOrEqual(mib)
  expect(streamBytes(lines).length + droppedBytesIn(lines)).toBe(64 * mib)
  expect(endLine(lines)).toMatchObject({ exit_code: 0 })
})

test('a reader that starts late misses none of an output 64 times as large as the buffer', async () => {
  const workspace = await openExecWorkspace()
  const response = await workspace.start({ command: `head -c ${64 * mib} /dev/zero`, exec_id: 'late' })
  // The command fills the buffer while other requests are served.
  for (let n = 0; n < 50; n += 1) await workspace.inject('GET', `/api/v1/workspaces/${workspace.id}`)
  const lines = await readLines(response)
  expect([streamBytes(lines).length, droppedBytesIn(lines)]).toEqual([64 * mib, 0])
})

test('a reader that stalls blocks the command for a limited time only, and learns how much it missed', async () => {
  const workspace = await openExecWorkspace({ exec: { timeouts: { stallTimeoutMs: 100 } } })
  const before = process.memoryUsage().rss
  const response = await workspace.start({ command: `head -c ${256 * mib} /dev/zero`, exec_id: 'deaf' })
  await untilEnded(workspace, 'deaf')
  expect(process.memoryUsage().rss - before).toBeLessThan(128 * mib)
  const lines = await readLines(response)
  expect(droppedBytesIn(lines)).toBeGreaterThan(0)
  expect(streamBytes(lines).length + droppedBytesIn(lines)).toBe(256 * mib)
  expect(endLine(lines)).toMatchObject({ exit_code: 0 })
})

test('binary input and output of any length pass unchanged', async () => {
  const { writeStdin, start } = await openExecWorkspace()
  const sent = randomBytes(24 * mib + 12_345)
  const [copied, summed] = await Promise.all([
    start({ command: ['cat'], stdin: 'stream', exec_id: 'copied' }),
    start({ command: 'sha256sum', stdin: 'stream', exec_id: 'summed' }),
  ])
  const all = Promise.all([readLines(copied), readLines(summed)])
  const stdinResponses = await Promise.all([
    writeStdin('copied', Readable.from(chunks(sent))),
    writeStdin('summed', Readable.from(chunks(sent))),
  ])
  expect(stdinResponses.map(({ statusCode }) => statusCode)).toEqual([200, 200])
  const [copyLines, sumLines] = await all
  expect(sha256(streamBytes(copyLines))).toBe(sha256(sent))
  expect(String(streamBytes(sumLines))).toContain(sha256(sent))
  expect(copyLines.some((line) => 'encoding' in line)).toBe(true)
})

test('truncated input kills the command before it can mistake the input for complete', async () => {
  const { writeStdin, workspaceBody, start } = await openExecWorkspace()
  const lines = readLines(await start({ command: 'cat > all; touch finished', stdin: 'stream', exec_id: 'half' }))
  const input = new PassThrough()
  const stdinResponse = writeStdin('half', input).catch(() => null)
  input.write('the first half')
  const { directory } = z.object({ directory: z.string() }).parse(workspaceBody['connection_info'])
  // Polled: only the file that the command writes shows that input has arrived.
  while ((statSync(join(directory, 'all'), { throwIfNoEntry: false })?.size ?? 0) === 0)
    await new Promise((resolve) => setTimeout(resolve, 5))
  input.destroy(new Error('disconnected'))
  await stdinResponse
  expect(endLine(await lines)).toMatchObject({ error: 'stdin-cut-off' })
  expect(existsSync(join(directory, 'finished'))).toBe(false)
})

test('input is accepted once, and only by a command that waits for it', async () => {
  const { inject, id, run, start } = await openExecWorkspace()
  const writeFile = (execId: string) => inject('PUT', `/api/v1/workspaces/${id}/exec/${execId}/stdin`, { body: 'x' })
  const lines = readLines(await start({ command: 'cat', stdin: 'stream', exec_id: 'cat' }))
  expect((await writeFile('cat')).statusCode).toBe(200)
  expect(String(streamBytes(await lines))).toBe('x')
  await run({ command: 'true', exec_id: 'none' })
  await run({ command: 'cat', stdin: 'small', exec_id: 'small' })
  for (const execId of ['cat', 'none', 'small'])
    expect((await writeFile(execId)).json(), execId).toMatchObject({ code: 'stdin-not-open' })
})

test('input that the command does not read to its end is refused without a wait', async () => {
  const { writeStdin, start } = await openExecWorkspace()
  const lines = readLines(await start({ command: 'head -c 3', stdin: 'stream', exec_id: 'head' }))
  const response = await writeStdin('head', Readable.from(endless()))
  expect([response.statusCode, JSON.parse(await readText(response))]).toMatchObject([409, { code: 'stdin-not-open' }])
  expect(String(streamBytes(await lines))).toBe('aaa')
})

test('a shutdown ends streams without a last line, and leaves commands running that read no input', async () => {
  const workspace = await openExecWorkspace()
  const open = lineByLine(await workspace.start({ command: 'echo $$; exec sleep 1000', exec_id: 'goes-on' }))
  const waiting = lineByLine(await workspace.start({ command: 'echo $$; cat', stdin: 'stream', exec_id: 'waits' }))
  const pids = [(await open.next()).value, (await waiting.next()).value].map((line) =>
    line && 'data' in line ? line.data.trim() : '',
  )
  await workspace.app.close()
  expect([(await open.next()).done, (await waiting.next()).done]).toEqual([true, true])
  expect(pids.map((pid) => existsSync(`/proc/${pid}`))).toEqual([true, false])
})

function* chunks(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 50_001) yield bytes.subarray(at, at + 50_001)
}

function* endless(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(65_536, 'a')
}
