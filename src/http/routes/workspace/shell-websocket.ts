import type { WebSocket } from 'ws'
import type { DetachReason, ShellAttachment, ShellSession, ShellViewer } from '../../../runtime/shell/shell-session.ts'
import type { TerminalSize } from '../../../workspace/guest-process.ts'
import type { ShellServerMessage } from '../../../wire/runtime/shell.ts'
import { shellClientMessageSchema } from '../../../wire/runtime/shell.ts'

/** What may be on its way to a client that does not take it. */
const maxUnsentBytes = 256 * 1024

/** Says that it is done with the shell: any other end of a connection may be an accident. */
const normalClosure = 1000

/** Why a connection is closed, by how the shell is left. */
const closeCodes = {
  ended: [1000, 'the shell has ended'],
  'taken-over': [4409, 'taken over'],
  'not-reading': [4408, 'it is read too slowly'],
  closing: [1001, 'the service ends'],
} as const satisfies Readonly<Record<DetachReason['kind'], readonly [code: number, reason: string]>>

/** Connects a shell to a client, who is asked every `pingMs` whether he is there still: twice without an answer, and he is not. */
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
        markAlive() // whoever reads slowly is there
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
      // Its queue is full, so that word will not get through.
      if (detachReason.kind === 'not-reading') socket.terminate()
    },
  }

  function sendNotice(notice: ShellServerMessage) {
    socket.send(JSON.stringify(notice))
  }

  const pingTimer = setInterval(() => {
    if (socket.isPaused) return // an answer would not be heard
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
  const resizeRequest = shellClientMessageSchema.safeParse(parseJson(text.toString()))
  if (resizeRequest.success) attachment.resize(resizeRequest.data)
  else socket.close(1003, 'a text frame is {"type":"resize","columns","rows"}; what is typed is binary')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // no JSON is no request
  }
}

function detachNotice(reason: DetachReason): ShellServerMessage | undefined {
  if (reason.kind === 'taken-over') return { type: 'taken-over' }
  if (reason.kind !== 'ended') return undefined
  const { exit } = reason
  if (exit.kind === 'exited') return { type: 'ended', exit_code: exit.code }
  return exit.kind === 'killed' ? { type: 'ended', signal: exit.signal } : { type: 'ended', error: exit.message }
}
