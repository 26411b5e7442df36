/** The event streams of a simulated engine. */
export function simulatedEvents() {
  const subscribers = new Map<ReadableStreamDefaultController<Uint8Array>, readonly string[]>()
  let clock = 0
  return {
    /** A stream of events of containers that have all of `labels` (`key=value`). */
    subscribe(labels: readonly string[]): Response {
      let subscriber: ReadableStreamDefaultController<Uint8Array> | undefined
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          subscriber = controller
          subscribers.set(controller, labels)
          controller.enqueue(Buffer.from('\n')) // sends the headers at once, as an engine does
        },
        cancel() {
          if (subscriber) subscribers.delete(subscriber)
        },
      })
      return new Response(body, { headers: { 'content-type': 'application/json' } })
    },
    publish(action: string, id: string, attributes: Readonly<Record<string, string>>): void {
      clock += 1
      const time = Math.floor(Date.now() / 1000)
      const event = {
        Type: 'container',
        Action: action,
        Actor: { ID: id, Attributes: attributes },
        time,
        timeNano: clock,
      }
      for (const [controller, labels] of subscribers) {
        if (!labels.every((label) => attributes[label.split('=')[0] ?? ''] === label.split('=')[1])) continue
        controller.enqueue(Buffer.from(`${JSON.stringify(event)}\n`))
      }
    },
    disconnect(): void {
      for (const controller of subscribers.keys()) controller.close()
      subscribers.clear()
    },
  }
}
