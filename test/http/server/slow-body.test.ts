import type { RequestListener } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { clearBodyTimeout } from '../../../src/http/server/body-timeout.ts'
import { problems } from '../../../src/http/presenters/problem-table.ts'
import { apiServer } from '../../../src/http/server/server.ts'
import { lastResponseIn, openRawConnection } from '../raw-connection.ts'

const lateMs = 200
const head = 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n'

const echo: RequestListener = (request, response) =>
  void text(request).then(
    (all) => response.end(all),
    () => {}, // truncated
  )

async function listening(handler: RequestListener): Promise<number> {
  const server = apiServer(lateMs).create(handler)
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}

test('a body that stalls is answered with 408, and its connection is closed', async () => {
  const raw = await openRawConnection(await listening(echo))
  raw.send(`${head}12345`)
  const { status, headers, body } = lastResponseIn(await raw.receiveAll())
  expect([status, JSON.parse(body)]).toEqual([
    408,
    { error: problems['request-timeout'].error, code: 'request-timeout' },
  ])
  expect(headers).toMatch(/^connection: close$/im)
})

test('an unread, unfinished body does not keep its connection open after the response', async () => {
  const raw = await openRawConnection(await listening((_request, response) => void response.end('refused')))
  raw.send(`${head}12345`)
  expect(lastResponseIn(await raw.receiveAll())).toMatchObject({ status: 200, body: 'refused' })
})

test('a body that is read as a stream has no timeout', async () => {
  const port = await listening((request, response) => {
    if (request.method === 'POST') clearBodyTimeout(request)
    echo(request, response)
  })
  const [slow, stream] = [await openRawConnection(port), await openRawConnection(port)]
  stream.send(`${head}12345`)
  slow.send(`${head.replace('POST', 'PUT')}12345`)
  await slow.receiveAll() // the later request has timed out
  stream.send('67890')
  expect(lastResponseIn(await stream.waitFor('67890'))).toMatchObject({ status: 200, body: '1234567890' })
})
