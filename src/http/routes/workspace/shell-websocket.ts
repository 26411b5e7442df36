import type { WebSocket } from 'ws'
import type { ShellSession } from '../../../runtime/shell/shell-session.ts'
import type { DetachReason, ShellAttachment, ShellViewer } from '../../../runtime/shell/shell-viewer.ts'
import type { TerminalSize } from '../../../workspace/guest-process.ts'
import type { ShellServerMessage } from '../../../wire/runtime/shell.ts'
import { shellClientMessageSchema } from '../../../wire/runtime/shell.ts'

/** How much may be on its way to a client before it counts as lagging. */
const maxUnsentBytes = 256 * 1024

/** The close code of a client that is done with its shell. Any other end of a connection may be an accident. */
const normalClosure = 1000

/** The close code and reason for each way in which a viewer is detached. */
const closeCodes = {
  ended: [1000, 'the shell has ended'],
  'taken-over': [4409, 'taken over'],
  stalled: [4408, 'the client reads too slowly'],
  shutdown: [1001, 'the service is shutting down'],
} as const satisfies Readonly<Record<DetachReason['kind'], readonly [code: number, reason: string]>>

/** Connects a client to a shell. A client that leaves two pings in a row unanswered is disconnected. */
export function connectShell(
  socket: WebSocket,
  session: ShellSession,
  size: TerminalSize,
  pingIntervalMs: number,
): void {
  let unsentBytes = 0
  let onDrained = () => {}
  let unansweredPings = 0
  const markAlive = () => {
    unansweredPings = 0
  }

  const viewer: ShellViewer = {
    onAttached: (sessionId, resumed) => sendNotice({ type: 'session', session: sessionId, resumed }),
    write(bytes) {
      unsentBytes += bytes.length
      socket.send(bytes, { binary: true }, () => {
        unsentBytes -= bytes.length
        markAlive() // a client that reads slowly is still there
        if (unsentBytes <= maxUnsentBytes) onDrained()
      })
      if (unsentBytes <= maxUnsentBytes) return undefined
      return new Promise((resolve) => (onDrained = resolve))
    },
    onDetached(detachReason) {
      const notice = detachNotice(detachReason)
      if (notice) sendNotice(notice)
      const [code, reason] = closeCodes[detachReason.kind]
      socket.close(code, reason)
      // The queue of a stalled client is full, so the close frame would not get through.
      if (detachReason.kind === 'stalled') socket.terminate()
    },
  }

  function sendNotice(notice: ShellServerMessage) {
    socket.send(JSON.stringify(notice))
  }

  const pingTimer = setInterval(() => {
    if (socket.isPaused) return // a pong would not be read
    if (unansweredPings >= 2) return socket.terminate()
    unansweredPings += 1
    socket.ping()
  }, pingIntervalMs)

  const attachment = session.attach(viewer, size)
  socket.on('pong', markAlive)
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    markAlive()
    if (!isBinary) return handleTextFrame(socket, attachment, data)
    const drained = attachment.write(data)
    if (!drained) return
    socket.pause()
    void drained.then(() => socket.resume())
  })
  socket.on('close', (code: number) => {
    clearInterval(pingTimer)
    onDrained()
    attachment.detach(code === normalClosure)
  })
}

function handleTextFrame(socket: WebSocket, attachment: ShellAttachment, text: Buffer): void {
  const message = shellClientMessageSchema.safeParse(parseJson(text.toString()))
  if (message.success) attachment.resize(message.data)
  else socket.close(1003, 'a text frame must be {"type":"resize","columns","rows"}; input is binary')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // the schema rejects it
  }
}

function detachNotice(reason: DetachReason): ShellServerMessage | undefined {
  if (reason.kind === 'taken-over') return { type: 'taken-over' }
  if (reason.kind !== 'ended') return undefined
  const { exit } = reason
  if (exit.kind === 'exited') return { type: 'ended', exit_code: exit.code }
  return exit.kind === 'killed' ? { type: 'ended', signal: exit.signal } : { type: 'ended', error: exit.message }
}
