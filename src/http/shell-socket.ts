import type { WebSocket } from 'ws'
import type { Parting, Seat, ShellSession, Viewer } from '../access/shell-session.ts'
import type { TerminalSize } from '../workspace/run.ts'
import type { ShellNotice } from '../wire/shell.ts'
import { shellRequest } from '../wire/shell.ts'

/** What may be on its way to a client that does not take it. */
const roomBytes = 256 * 1024

/** Says that it is done with the shell: any other end of a connection may be an accident. */
const done = 1000

/** Why a connection is closed, by how the shell is left. */
const closings = {
  ended: [1000, 'the shell has ended'],
  'taken-over': [4409, 'taken over'],
  'not-reading': [4408, 'it is read too slowly'],
  closing: [1001, 'the service ends'],
} as const satisfies Readonly<Record<Parting['kind'], readonly [code: number, reason: string]>>

/** Connects a shell to a client, who is asked every `pingMs` whether he is there still: twice without an answer, and he is not. */
export function connectShell(socket: WebSocket, session: ShellSession, size: TerminalSize, pingMs: number): void {
  let waitingBytes = 0
  let room = () => {}
  let unanswered = 0
  const hears = () => {
    unanswered = 0
  }

  const viewer: Viewer = {
    began: (id, resumed) => tell({ type: 'session', session: id, resumed }),
    show(bytes) {
      waitingBytes += bytes.length
      socket.send(bytes, { binary: true }, () => {
        waitingBytes -= bytes.length
        hears() // whoever reads slowly is there
        if (waitingBytes <= roomBytes) room()
      })
      if (waitingBytes <= roomBytes) return undefined
      return new Promise((resolve) => (room = resolve))
    },
    part(why) {
      const last = noticeOf(why)
      if (last) tell(last)
      const [code, reason] = closings[why.kind]
      socket.close(code, reason)
      // Its queue is full, so that word will not get through.
      if (why.kind === 'not-reading') socket.terminate()
    },
  }

  function tell(notice: ShellNotice) {
    socket.send(JSON.stringify(notice))
  }

  const pings = setInterval(() => {
    if (socket.isPaused) return // an answer would not be heard
    if (unanswered >= 2) return socket.terminate()
    unanswered += 1
    socket.ping()
  }, pingMs)

  const seat = session.sit(viewer, size)
  socket.on('pong', hears)
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    hears()
    if (!isBinary) return request(socket, seat, data)
    const full = seat.type(data)
    if (!full) return
    socket.pause()
    void full.then(() => socket.resume())
  })
  socket.on('close', (code: number) => {
    clearInterval(pings)
    room()
    seat.leave(code === done)
  })
}

function request(socket: WebSocket, seat: Seat, text: Buffer): void {
  const asked = shellRequest.safeParse(parsed(text.toString()))
  if (asked.success) seat.resize(asked.data)
  else socket.close(1003, 'a text frame is {"type":"resize","columns","rows"}; what is typed is binary')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // no JSON is no request
  }
}

function noticeOf(why: Parting): ShellNotice | undefined {
  if (why.kind === 'taken-over') return { type: 'taken-over' }
  if (why.kind !== 'ended') return undefined
  const { end } = why
  if (end.kind === 'exited') return { type: 'ended', exit_code: end.code }
  return end.kind === 'killed' ? { type: 'ended', signal: end.signal } : { type: 'ended', error: end.message }
}
