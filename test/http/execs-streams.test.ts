import { createHash, randomBytes } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { ExecLine } from '../../src/wire/exec.ts'
import type { Workspace } from './exec-client.ts'
import { bytesIn, endIn, lineByLine, linesOf, openWorkspace, textOf } from './exec-client.ts'

const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const mib = 1024 * 1024

const droppedIn = (lines: readonly ExecLine[]) =>
  lines.reduce((sum, line) => sum + ('dropped_bytes' in line ? line.dropped_bytes : 0), 0)

/** Starts a run and hangs up at once. */
async function startAndLeave({ start }: Pick<Workspace, 'start'>, wish: object): Promise<void> {
  const answer = await start(wish)
  answer.destroy()
}

/** Waits for the end of a run without reading it: polled, as the list is all that tells. */
async function untilEnded(workspace: Workspace, execId: string): Promise<void> {
  const list = (await workspace.ask('GET', `/api/v1/workspaces/${workspace.id}/exec`)).json()
  const found = z.array(z.object({ exec_id: z.string(), status: z.string() })).parse(list)
  if (found.some(({ exec_id, status }) => exec_id === execId && status === 'ended')) return
  await new Promise((resolve) => setTimeout(resolve, 5))
  await untilEnded(workspace, execId)
}

test('over connections that are cut again and again, nothing is missing and nothing comes twice', async () => {
  const { send, start } = await openWorkspace()
  const command = 'i=0; while [ $i -lt 4000 ]; do echo "line $i"; i=$((i+1)); done; exit 5'
  const lines: ExecLine[] = []
  let answer = await start({ command, exec_id: 'cut' })
  for (let cuts = 0; endIn(lines) === undefined; cuts += 1) {
    for await (const line of lineByLine(answer)) {
      lines.push(line)
      if (lines.length % 7 === 0 && cuts < 20) break // which cuts the connection
    }
    if (endIn(lines) === undefined) answer = await send('GET', `/cut?after=${lines.at(-1)?.seq}&follow=true`)
  }
  expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, at) => at + 1))
  expect(String(bytesIn(lines))).toBe(Array.from({ length: 4000 }, (_, n) => `line ${n}\n`).join(''))
  expect(endIn(lines)).toMatchObject({ exit_code: 5 })
})

test('a second reader gets the same lines as the first', async () => {
  const { run, read } = await openWorkspace()
  const first = await run({ command: 'seq 1 20000; printf "\\303"; echo >&2; printf "\\244\\377"', exec_id: 'two' })
  expect(await read('two')).toEqual(first)
  expect(await read('two', '?after=1')).toEqual(first.slice(1))
  expect(await read('two', `?after=${first.length}&follow=true`)).toEqual([])
})

test('output that is not kept any more is 410 with the oldest line that is, and the rest can be read', async () => {
  const workspace = await openWorkspace({ exec: { limits: { bytes: 10_000, lineBytes: 1000 } } })
  await startAndLeave(workspace, { command: 'head -c 200000 /dev/zero | tr "\\0" x', exec_id: 'much' })
  await untilEnded(workspace, 'much')
  const gone = await workspace.send('GET', '/much?after=0')
  const text = await textOf(gone)
  expect([gone.statusCode, JSON.parse(text)]).toMatchObject([410, { code: 'output-gone' }])
  const oldest = Number(/seq (\d+)/.exec(text)?.[1])
  const kept = await workspace.read('much', `?after=${oldest - 1}`)
  expect(kept[0]?.seq).toBe(oldest)
  expect(bytesIn(kept).length).toBeGreaterThan(8000)
  expect(bytesIn(kept).length).toBeLessThanOrEqual(10_000)
  const all = await workspace.read('much')
  expect(all[0]).toEqual({ seq: oldest - 1, dropped_bytes: 200_000 - bytesIn(kept).length })
  expect(all.slice(1)).toEqual(kept)
  const beyond = await workspace.send('GET', `/much?after=${(all.at(-1)?.seq ?? 0) + 1}`)
  expect([beyond.statusCode, JSON.parse(await textOf(beyond))]).toMatchObject([400, { details: [{ field: 'after' }] }])
})

test('a command without a reader is not held up, however much it writes', async () => {
  const workspace = await openWorkspace()
  await startAndLeave(workspace, { command: `head -c ${64 * mib} /dev/zero`, exec_id: 'alone' })
  await untilEnded(workspace, 'alone')
  const lines = await workspace.read('alone')
  expect(bytesIn(lines).length).toBeLessThanOrEqual(mib)
  expect(bytesIn(lines).length + droppedIn(lines)).toBe(64 * mib)
  expect(endIn(lines)).toMatchObject({ exit_code: 0 })
})

test('a reader who comes late to his connection misses nothing of sixty-four times what is kept', async () => {
  const workspace = await openWorkspace()
  const answer = await workspace.start({ command: `head -c ${64 * mib} /dev/zero`, exec_id: 'late' })
  // While others are served the command has long filled all that may be kept.
  for (let n = 0; n < 50; n += 1) await workspace.ask('GET', `/api/v1/workspaces/${workspace.id}`)
  const lines = await linesOf(answer)
  expect([bytesIn(lines).length, droppedIn(lines)]).toEqual([64 * mib, 0])
})

test('a reader who reads nothing holds the command up for a while only, and is told what he has missed', async () => {
  const workspace = await openWorkspace({ exec: { times: { patienceMs: 100 } } })
  const before = process.memoryUsage().rss
  const answer = await workspace.start({ command: `head -c ${256 * mib} /dev/zero`, exec_id: 'deaf' })
  await untilEnded(workspace, 'deaf')
  expect(process.memoryUsage().rss - before).toBeLessThan(128 * mib)
  const lines = await linesOf(answer)
  expect(droppedIn(lines)).toBeGreaterThan(0)
  expect(bytesIn(lines).length + droppedIn(lines)).toBe(256 * mib)
  expect(endIn(lines)).toMatchObject({ exit_code: 0 })
})

test('binary data goes in and comes out as it is, of any length', async () => {
  const { feed, start } = await openWorkspace()
  const sent = randomBytes(24 * mib + 12_345)
  const [copied, summed] = await Promise.all([
    start({ command: ['cat'], stdin: 'stream', exec_id: 'copied' }),
    start({ command: 'sha256sum', stdin: 'stream', exec_id: 'summed' }),
  ])
  const all = Promise.all([linesOf(copied), linesOf(summed)])
  const fed = await Promise.all([
    feed('copied', Readable.from(pieces(sent))),
    feed('summed', Readable.from(pieces(sent))),
  ])
  expect(fed.map(({ statusCode }) => statusCode)).toEqual([200, 200])
  const [back, sum] = await all
  expect(sha(bytesIn(back))).toBe(sha(sent))
  expect(String(bytesIn(sum))).toContain(sha(sent))
  expect(back.some((line) => 'encoding' in line)).toBe(true)
})

test('input that is cut off half-way kills the run before it can take that for all of it', async () => {
  const { feed, shown, start } = await openWorkspace()
  const lines = linesOf(await start({ command: 'cat > all; touch finished', stdin: 'stream', exec_id: 'half' }))
  const input = new PassThrough()
  const fed = feed('half', input).catch(() => null)
  input.write('the first half')
  const { directory } = z.object({ directory: z.string() }).parse(shown['connection_info'])
  // Polled: that some of it has arrived shows in nothing but what the command does with it.
  while ((statSync(join(directory, 'all'), { throwIfNoEntry: false })?.size ?? 0) === 0)
    await new Promise((resolve) => setTimeout(resolve, 5))
  input.destroy(new Error('gone'))
  await fed
  expect(endIn(await lines)).toMatchObject({ error: 'stdin-cut-off' })
  expect(existsSync(join(directory, 'finished'))).toBe(false)
})

test('input comes once, to a run that waits for it and to no other', async () => {
  const { ask, id, run, start } = await openWorkspace()
  const put = (execId: string) => ask('PUT', `/api/v1/workspaces/${id}/exec/${execId}/stdin`, { body: 'x' })
  const lines = linesOf(await start({ command: 'cat', stdin: 'stream', exec_id: 'cat' }))
  expect((await put('cat')).statusCode).toBe(200)
  expect(String(bytesIn(await lines))).toBe('x')
  await run({ command: 'true', exec_id: 'none' })
  await run({ command: 'cat', stdin: 'small', exec_id: 'small' })
  for (const execId of ['cat', 'none', 'small'])
    expect((await put(execId)).json(), execId).toMatchObject({ code: 'stdin-not-open' })
})

test('input that the command does not read to its end is refused, not waited for', async () => {
  const { feed, start } = await openWorkspace()
  const lines = linesOf(await start({ command: 'head -c 3', stdin: 'stream', exec_id: 'head' }))
  const answer = await feed('head', Readable.from(endless()))
  expect([answer.statusCode, JSON.parse(await textOf(answer))]).toMatchObject([409, { code: 'stdin-not-open' }])
  expect(String(bytesIn(await lines))).toBe('aaa')
})

test('the end of the service ends streams without a last line, and leaves what reads no input running', async () => {
  const workspace = await openWorkspace()
  const open = lineByLine(await workspace.start({ command: 'echo $$; exec sleep 1000', exec_id: 'goes-on' }))
  const waits = lineByLine(await workspace.start({ command: 'echo $$; cat', stdin: 'stream', exec_id: 'waits' }))
  const pids = [(await open.next()).value, (await waits.next()).value].map((line) =>
    line && 'data' in line ? line.data.trim() : '',
  )
  await workspace.app.close()
  expect([(await open.next()).done, (await waits.next()).done]).toEqual([true, true])
  expect(pids.map((pid) => existsSync(`/proc/${pid}`))).toEqual([true, false])
})

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 50_001) yield bytes.subarray(at, at + 50_001)
}

function* endless(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(65_536, 'a')
}
