import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { onTestFinished } from 'vitest'

/** One Server-Sent Event. */
export interface ServerSentEvent {
  readonly id: number
  readonly event: string
  readonly data: Readonly<Record<string, unknown>>
}

export interface EventReader {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** Events received so far. */
  readonly events: readonly ServerSentEvent[]
  /** Everything received, including heartbeats. */
  text(): string
  /** Stops reading until `resume`. */
  pause(): void
  resume(): void
  readonly ended: Promise<void>
  close(): void
}

/** Subscribes to an event stream over a real connection. */
export async function readEvents(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<EventReader> {
  const clientRequest = request({ host: '127.0.0.1', port, path, headers: { 'x-user': 'alice', ...headers } })
  onTestFinished(() => void clientRequest.destroy())
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    clientRequest.once('response', resolve).once('error', reject).end()
  })
  const events: ServerSentEvent[] = []
  let text = ''
  let buffered = ''
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    text += chunk
    const parts = (buffered + chunk).split('\n\n')
    buffered = parts.pop() ?? ''
    for (const part of parts) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(part)?.[1]
      const data = field('data')
      if (data !== undefined)
        events.push({ id: Number(field('id')), event: field('event') ?? '', data: JSON.parse(data) })
    }
  })
  const ended = new Promise<void>((resolve) => response.once('close', resolve).once('error', () => resolve()))
  clientRequest.on('error', () => {})
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    events,
    text: () => text,
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    ended,
    close: () => void clientRequest.destroy(),
  }
}
