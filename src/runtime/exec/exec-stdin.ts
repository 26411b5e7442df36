import type { Readable, Writable } from 'node:stream'

/**
 * Result of piping a source into a command's input. `closed`: the command takes no streamed input, or already had it. `not-consumed`: it
 * ended, or closed its input, before it had all. `truncated`: the source broke off, so the command was killed.
 */
export type StdinResult = 'accepted' | 'closed' | 'not-consumed' | 'truncated'

export interface StdinDeps {
  readonly stdin: Writable | null
  /** Settles when the command has ended. */
  readonly ended: Promise<unknown>
  /** Kills the command, so that it cannot mistake truncated input for complete. Settles when none of its processes runs. */
  readonly onInputAborted: () => Promise<unknown>
}

/** The input of a command that is streamed to it after its start, from one source. */
export function streamedStdin({ stdin, ended, onInputAborted }: StdinDeps) {
  let state: 'open' | 'streaming' | 'done' = 'open'
  void ended.then(() => {
    state = 'done'
  })
  return {
    /** Pipes a source as fast as the command reads. Only the first source is accepted. Never rejects. */
    async pipeFrom(source: Readable): Promise<StdinResult> {
      if (state !== 'open' || stdin === null) return 'closed'
      state = 'streaming'
      const result = await pipeToStdin(source, stdin, ended)
      state = 'done'
      if (result === 'truncated') {
        await onInputAborted()
        stdin.destroy()
      }
      return result
    },
  }
}

function pipeToStdin(source: Readable, stdin: Writable, ended: Promise<unknown>): Promise<StdinResult> {
  return new Promise((resolve) => {
    const settle = (result: StdinResult) => {
      source.off('data', onData)
      stdin.off('drain', onDrain)
      resolve(result)
    }
    const onData = (bytes: Buffer) => {
      if (!stdin.write(bytes)) source.pause()
    }
    const onDrain = () => void source.resume()
    const onAborted = () => {
      if (!source.readableEnded) settle('truncated')
    }
    stdin.on('drain', onDrain)
    stdin.once('close', () => settle('not-consumed'))
    stdin.once('error', () => settle('not-consumed'))
    void ended.then(() => settle('not-consumed'))
    source.once('error', onAborted)
    source.once('close', onAborted)
    source.once('end', () => stdin.end(() => settle('accepted')))
    if (source.destroyed) onAborted()
    else source.on('data', onData)
  })
}
