import type { Readable, Writable } from 'node:stream'

/** What became of input that came by itself. `not-read`: the command ended, or closed its input, before it had all. */
export type StdinResult = 'taken' | 'not-open' | 'not-read' | 'cut-off'

export interface StdinDeps {
  readonly stdin: Writable | null
  /** The command has ended. */
  readonly ended: Promise<unknown>
  /** The input broke off: the command must not take half of it for the whole. Settles when nothing of it runs any more. */
  readonly onInputAborted: () => Promise<unknown>
}

/** The input of a run that comes later, from one source. */
export function streamedStdin({ stdin, ended, onInputAborted }: StdinDeps) {
  let state: 'open' | 'coming' | 'over' = 'open'
  void ended.then(() => {
    state = 'over'
  })
  return {
    /** Hands a source on as fast as the command reads it. One source only, and never rejects. */
    async pipeFrom(source: Readable): Promise<StdinResult> {
      if (state !== 'open' || stdin === null) return 'not-open'
      state = 'coming'
      const result = await pipeToStdin(source, stdin, ended)
      state = 'over'
      if (result === 'cut-off') {
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
      if (!source.readableEnded) settle('cut-off')
    }
    stdin.on('drain', onDrain)
    stdin.once('close', () => settle('not-read'))
    stdin.once('error', () => settle('not-read'))
    void ended.then(() => settle('not-read'))
    source.once('error', onAborted)
    source.once('close', onAborted)
    source.once('end', () => stdin.end(() => settle('taken')))
    if (source.destroyed) onAborted()
    else source.on('data', onData)
  })
}
