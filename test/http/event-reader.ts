import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { onTestFinished } from 'vitest'

/** One Server-Sent Event. */
export interface Sent {
  readonly id: number
  readonly event: string
  readonly data: Readonly<Record<string, unknown>>
}

export interface Reader {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** What has come so far. */
  readonly events: readonly Sent[]
  /** All of it, heartbeats too. */
  text(): string
  /** Stops taking what comes, and goes on. */
  pause(): void
  resume(): void
  readonly ended: Promise<void>
  close(): void
}

/** Follows a feed over a real connection, as a program does. */
export async function readEvents(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reader> {
  const asked = request({ host: '127.0.0.1', port, path, headers: { 'x-user': 'alice', ...headers } })
  onTestFinished(() => void asked.destroy())
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    asked.once('response', resolve).once('error', reject).end()
  })
  const events: Sent[] = []
  let text = ''
  let rest = ''
  answer.setEncoding('utf8')
  answer.on('data', (chunk: string) => {
    text += chunk
    const parts = (rest + chunk).split('\n\n')
    rest = parts.pop() ?? ''
    for (const part of parts) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(part)?.[1]
      const data = field('data')
      if (data !== undefined)
        events.push({ id: Number(field('id')), event: field('event') ?? '', data: JSON.parse(data) })
    }
  })
  const ended = new Promise<void>((resolve) => answer.once('close', resolve).once('error', () => resolve()))
  asked.on('error', () => {})
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    events,
    text: () => text,
    pause: () => void answer.pause(),
    resume: () => void answer.resume(),
    ended,
    close: () => void asked.destroy(),
  }
}
