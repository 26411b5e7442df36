import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { openTestServer } from '../http/test-server.ts'
import { flakyConnection } from './flaky-connection.ts'
import { testClient } from './test-client.ts'

async function openFiles() {
  const { listen, createWorkspace, waitFor } = await openTestServer({ realProcesses: true })
  const { id } = await createWorkspace()
  await waitFor(id, ({ status }) => status === 'running')
  const { port, cut } = await flakyConnection(await listen())
  return { cut, files: testClient(port).files(id) }
}

const textOf = (stream: ReadableStream<Uint8Array>) => new Response(stream).text()

test('files are written, appended to, listed, moved and removed', async () => {
  const { files } = await openFiles()
  await files.makeDirectory('a/b')
  await files.write('a/b/ä &?#', 'one\n', { mode: '0600' })
  await files.append('a/b/ä &?#', Buffer.from('two\n'))
  expect(await textOf(await files.read('a/b/ä &?#'))).toBe('one\ntwo\n')
  expect(await files.stat('a/b/ä &?#')).toMatchObject({ name: 'ä &?#', kind: 'file', bytes: 8, mode: '0600' })
  await files.move('a/b/ä &?#', 'a/plain')
  expect((await files.list('a')).map(({ name }) => name).sort()).toEqual(['b', 'plain'])
  await expect(files.remove('a')).rejects.toMatchObject({ code: 'directory-not-empty' })
  await files.remove('a', { recursive: true })
  await expect(files.stat('a')).rejects.toMatchObject({ status: 404, code: 'file-not-found' })
})

test('a file is uploaded from any async iterable or blob, byte for byte', async () => {
  const { files } = await openFiles()
  const chunks = Array.from({ length: 100 }, () => randomBytes(30_000))
  async function* yieldChunks() {
    yield* chunks
  }
  await files.write('random', yieldChunks())
  const back = await new Response(await files.read('random')).arrayBuffer()
  expect(Buffer.from(back).equals(Buffer.concat(chunks))).toBe(true)
  await files.write('blob', new Blob(chunks))
  expect((await files.stat('blob')).bytes).toBe(3_000_000)
})

test('a directory tree survives readTree and writeTree', async () => {
  const { files } = await openFiles()
  await files.makeDirectory('from/deep')
  await files.write('from/deep/file', 'content')
  await files.writeTree('to', await files.readTree('from'))
  expect(await textOf(await files.read('to/deep/file'))).toBe('content')
})

test('an interrupted upload keeps the old file, and an interrupted download fails as cut off', async () => {
  const { cut, files } = await openFiles()
  await files.write('big', randomBytes(20_000_000))
  async function* brokenSource() {
    for (let count = 0; count < 80; count++) {
      if (count === 60) cut() // more than the buffers on the way can hold has arrived by then
      yield randomBytes(100_000)
    }
  }
  await expect(files.write('big', brokenSource())).rejects.toMatchObject({ status: 0 })
  expect((await files.stat('big')).bytes).toBe(20_000_000)
  const reader = (await files.read('big')).getReader()
  await reader.read()
  cut()
  const rest = async () => {
    while (!(await reader.read()).done);
  }
  await expect(rest()).rejects.toMatchObject({ code: 'cut-off' })
})
