import type { Readable, Writable } from 'node:stream'

/** What became of input that came by itself. `not-read`: the command ended, or closed its input, before it had all. */
export type Fed = 'taken' | 'not-open' | 'not-read' | 'cut-off'

export interface InputDeps {
  readonly stdin: Writable | null
  /** The command has ended. */
  readonly ended: Promise<unknown>
  /** The input broke off: the command must not take half of it for the whole. Settles when nothing of it runs any more. */
  readonly cutOff: () => Promise<unknown>
}

/** The input of a run that comes later, from one source. */
export function laterInput({ stdin, ended, cutOff }: InputDeps) {
  let state: 'open' | 'coming' | 'over' = 'open'
  void ended.then(() => {
    state = 'over'
  })
  return {
    /** Hands a source on as fast as the command reads it. One source only, and never rejects. */
    async feed(source: Readable): Promise<Fed> {
      if (state !== 'open' || stdin === null) return 'not-open'
      state = 'coming'
      const fed = await handOn(source, stdin, ended)
      state = 'over'
      if (fed === 'cut-off') {
        await cutOff()
        stdin.destroy()
      }
      return fed
    },
  }
}

function handOn(source: Readable, stdin: Writable, ended: Promise<unknown>): Promise<Fed> {
  return new Promise((resolve) => {
    const settle = (fed: Fed) => {
      source.off('data', more)
      stdin.off('drain', goOn)
      resolve(fed)
    }
    const more = (bytes: Buffer) => {
      if (!stdin.write(bytes)) source.pause()
    }
    const goOn = () => void source.resume()
    const broken = () => {
      if (!source.readableEnded) settle('cut-off')
    }
    stdin.on('drain', goOn)
    stdin.once('close', () => settle('not-read'))
    stdin.once('error', () => settle('not-read'))
    void ended.then(() => settle('not-read'))
    source.once('error', broken)
    source.once('close', broken)
    source.once('end', () => stdin.end(() => settle('taken')))
    if (source.destroyed) broken()
    else source.on('data', more)
  })
}
