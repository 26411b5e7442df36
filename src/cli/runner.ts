import type { Command } from 'commander'
import { apiClient } from '../client/client.ts'
import { explain } from './explain.ts'
import type { Output } from './output.ts'
import type { Server, ServerOptions } from './server.ts'
import { serverFor } from './server.ts'
import type { Done, Session } from './session.ts'
import type { Surroundings } from './surroundings.ts'

/** What a command does: with its operands as they were typed, and its options. */
export type Work = (session: Session, operands: readonly string[], options: Readonly<Record<string, unknown>>) => Done
/** Makes of it what is called by the parser. */
export type Runner = (work: Work) => (...given: unknown[]) => Promise<void>

interface RunnerDeps {
  readonly surroundings: Surroundings
  readonly out: Output
  readonly ended: (exitCode: number) => void
}

export function runner({ surroundings, out, ended }: RunnerDeps): Runner {
  return (work) =>
    async (...given) => {
      const command = given.at(-1) as Command
      const { guest, server: options, json } = optionsOf(command)
      let server: Server | undefined
      let session: Session | undefined
      try {
        server = serverFor(options, surroundings)
        const client = apiClient(server)
        session = { client, server, out, json, surroundings, about: undefined, whenGone: async () => 0 }
        ended(await untilGone(work(session, command.args, guest), session))
      } catch (error) {
        const told = explain(error, { command: command.name(), server, name: session?.about?.name })
        if (json) out.note(JSON.stringify({ error: told.message, code: told.code, next: told.next }))
        else out.note(`${out.paintNote('red', 'vm:')} ${told.message}\n    ${told.next}`)
        ended(told.exitCode)
      }
    }
}

/** A command whose reader has gone has nothing more to do, unless it says otherwise. */
async function untilGone(done: Done, session: Session): Promise<number> {
  const { gone } = session.out
  const left = new Promise<number>((resolve) => {
    const leave = () => session.whenGone().then(resolve, () => resolve(1))
    if (gone.aborted) void leave()
    gone.addEventListener('abort', () => void leave())
  })
  return (await Promise.race([done, left])) ?? 0
}

/** In front of the command stands what is for all of them; where the two differ, what stands behind it is the command's own. */
function optionsOf(command: Command): { guest: Record<string, unknown>; server: ServerOptions; json: boolean } {
  const guest = command.opts<Record<string, unknown>>()
  const front = command.parent?.opts<ServerOptions & { json?: boolean }>() ?? {}
  const isGuestUser = command.options.some(({ long, short }) => long === '--user' && short === '-u')
  const { header: before = [], ...rest } = front
  const { header: behind = [], user, ...own } = command.opts<ServerOptions>()
  const server = { ...rest, ...own, ...(!isGuestUser && user !== undefined && { user }) }
  return {
    guest,
    server: { ...server, header: [...before, ...behind] },
    json: front.json === true || guest['json'] === true,
  }
}
